/** Limit (b): the straightforward way: each body parsed, each record stringified. `node bench/limits/source-parse.ts <url> <pages>` */
import { once } from 'node:events';
import { benchClient } from './client.ts';

const [url, pages] = process.argv.slice(2);
const http = benchClient(url!);
for (let page = 0; page < Number(pages); page++) {
  const body = JSON.stringify({
    snapshot: 1,
    cursor: page === 0 ? undefined : String(page),
    selection: {},
    format: 'json',
  });
  const chunks: Buffer[] = [];
  for await (const chunk of http.body({ method: 'POST', path: '/api/list_snapshot', body })) chunks.push(chunk);
  const { values } = JSON.parse(Buffer.concat(chunks).toString()) as { values: Record<string, unknown>[] };
  let lines = '';
  for (const data of values) {
    const at = new Date(Number(data['_ts']) / 1e6).toISOString();
    const record = {
      stream: data['_table'],
      data: { ...data, _deleted: false, _ab_cdc_lsn: data['_ts'], _ab_cdc_updated_at: at, _ab_cdc_deleted_at: null },
      emitted_at: Date.now(),
    };
    lines += `${JSON.stringify({ type: 'RECORD', record })}\n`;
    if (lines.length > 65_536) {
      if (!process.stdout.write(lines)) await once(process.stdout, 'drain');
      lines = '';
    }
  }
  if (!process.stdout.write(lines)) await once(process.stdout, 'drain');
}
