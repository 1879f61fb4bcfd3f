/** Limit (a): stdin read and posted unread, in bodies of the same size. `node bench/limits/destination-copy.ts <url> <bytes>` */
import { benchClient } from './client.ts';

const [url, size] = process.argv.slice(2);
const http = benchClient(url!);
let chunks: Buffer[] = [];
let length = 0;
let inFlight = Promise.resolve('');

async function send(): Promise<void> {
  const body = Buffer.concat(chunks);
  chunks = [];
  length = 0;
  await inFlight;
  inFlight = http.text({ method: 'POST', path: '/api/streaming_import/import_airbyte_records', body });
}

for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
  chunks.push(chunk);
  length += chunk.length;
  if (length >= Number(size)) await send();
}
if (length > 0) await send();
await inFlight;
