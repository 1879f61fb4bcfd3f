/** The RECORD lines of a source, taken apart. */
import { streamName } from './messages.ts';

/** A record's line, taken apart as text: nothing in it has been decoded and encoded again. */
export interface RecordLine {
  stream: string;
  id: string;
  ts: string;
  deleted: boolean;
  /** The document's own fields, braces included, as the server wrote them. */
  document: string;
}

const RECORD_LINE =
  /^\{"type":"RECORD","record":\{"stream":("(?:[^"\\]|\\.)*"),(?:"namespace":("(?:[^"\\]|\\.)*"),)?"data":\{"_component":"(?:[^"\\]|\\.)*","_table":"\w+","_ts":(\d+),(?:"_deleted":(true|false),)?/;
const RECORD_END =
  /(?:,"_deleted":(false))?,"_ab_cdc_lsn":(\d+),"_ab_cdc_updated_at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})","_ab_cdc_deleted_at":(null|"[^"]+")\},"emitted_at":\d{13}\}\}$/;

/** The records of an output. Throws where a RECORD line is not built as it should be. */
export function recordsOf(lines: readonly string[]): RecordLine[] {
  return lines.filter((line) => line.startsWith('{"type":"RECORD"')).map(recordOf);
}

function recordOf(line: string): RecordLine {
  const head = RECORD_LINE.exec(line);
  const tail = RECORD_END.exec(line);
  if (head === null || tail === null) throw new Error(`a record is not built as it should be: ${line.slice(0, 300)}`);
  const [before, name = '', namespace, ts = '', inDocument] = head;
  const [after, appended, lsn, updatedAt, deletedAt = ''] = tail;
  const deleted = (inDocument ?? appended) === 'true';
  if (inDocument === undefined && appended === undefined) throw new Error('a record has no _deleted');
  if (lsn !== ts) throw new Error('_ab_cdc_lsn is not _ts');
  if (deletedAt !== (deleted ? `"${updatedAt}"` : 'null')) throw new Error('_ab_cdc_deleted_at is wrong');
  const document = `{${line.slice(before.length, line.length - after.length)}}`;
  const id = /"_id":"([0-9a-z]+)"/.exec(document)?.[1];
  if (id === undefined) throw new Error('a record has no _id');
  const stream = streamName({
    name: JSON.parse(name) as string,
    namespace: namespace === undefined ? undefined : (JSON.parse(namespace) as string),
  });
  return { stream, id, ts, deleted, document };
}

/** What a destination that keeps one document for each `_id` holds of one stream after these records. */
export function replay(records: Iterable<RecordLine>, stream: string): Map<string, string> {
  const held = new Map<string, string>();
  for (const record of records) {
    if (record.stream !== stream) continue;
    if (record.deleted) held.delete(record.id);
    else held.set(record.id, record.document);
  }
  return held;
}
