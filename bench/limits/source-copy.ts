/** Limit (a): the same pages, fetched by the same client, their bodies copied unread to stdout. `node bench/limits/source-copy.ts <url> <pages>` */
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
  for await (const chunk of http.body({ method: 'POST', path: '/api/list_snapshot', body })) {
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
  }
}
