/** Limit (b): the straightforward way: each line parsed, each body stringified. `node bench/limits/destination-parse.ts <url> <bytes>` */
import { createInterface } from 'node:readline';
import { benchClient } from './client.ts';

const [url, size] = process.argv.slice(2);
const http = benchClient(url!);
let messages: unknown[] = [];
let length = 0;
let inFlight = Promise.resolve('');

async function send(): Promise<void> {
  const body = JSON.stringify({ messages, tables: { documents: { primaryKey: [['source_id']], jsonSchema: {} } } });
  messages = [];
  length = 0;
  await inFlight;
  inFlight = http.text({ method: 'POST', path: '/api/streaming_import/import_airbyte_records', body });
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const message = JSON.parse(line) as { type: string; record?: { stream: string; data: unknown }; state?: unknown };
  if (message.type === 'RECORD') {
    messages.push({ tableName: message.record!.stream, data: message.record!.data });
    length += line.length;
    if (length >= Number(size)) await send();
  } else if (message.type === 'STATE') {
    if (length > 0) await send();
    await inFlight;
    process.stdout.write(`${JSON.stringify(message)}\n`);
  }
}
if (length > 0) await send();
await inFlight;
