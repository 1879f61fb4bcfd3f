/** Writes the RECORD lines of a shape to stdout, as the source would: `node bench/feed.ts <shape> <pages>`. */
import { once } from 'node:events';
import { shapeNamed } from './shapes.ts';

const [name, pages] = process.argv.slice(2);
const shape = shapeNamed(name!);
const cdc =
  ',"_deleted":false,"_ab_cdc_lsn":1790000000126281651,"_ab_cdc_updated_at":"2026-09-21T14:13:20.126281","_ab_cdc_deleted_at":null}';
let lines = '';
for (let n = 0; n < shape.perPage; n++) {
  const data = shape.document(n).slice(0, -1) + cdc;
  lines += `{"type":"RECORD","record":{"stream":"documents","data":${data},"emitted_at":1795319415598}}\n`;
}
const page = Buffer.from(lines);
const state = Buffer.from(
  '{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"documents"},"stream_state":{"delta_cursor":"1790000000126281651"}},"sourceStats":{"recordCount":1024}}}\n',
);
for (let n = 0; n < Number(pages); n++) {
  if (!process.stdout.write(page)) await once(process.stdout, 'drain');
  process.stdout.write(state);
}
