/** Limit (a) of changes: the same pages of Data Sync, their bodies copied unread to stdout. `node bench/limits/changes-copy.ts <url> <pages>` */
import { once } from 'node:events';
import { benchClient } from './client.ts';

const [url, pages] = process.argv.slice(2);
const http = benchClient(url!);
for (let page = 0; page < Number(pages); page++) {
  const body = JSON.stringify({ cursor: page.toString(16), selection: {} });
  for await (const chunk of http.body({ method: 'POST', path: '/api/v1/data/sync', body })) {
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
  }
}
