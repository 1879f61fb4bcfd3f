/**
 * A deployment that is never what is measured: it answers with pages that were made before the clock started, and reads what is imported
 * into nothing. A process of its own: `node bench/replay.ts <shape> <pages> <milliseconds of latency>`; prints its port. Tells at
 * `/bench` how many requests it had, and for how long it had none to work on: the time that a connector spent on itself.
 */
import http from 'node:http';
import { SHAPES } from './shapes.ts';

interface ReplayReport {
  requests: number;
  /** Seconds between the end of an answer and the next request. */
  idle: number;
}

const SNAPSHOT = '1790000999126281651';
/** Delta pages count on from here; every document is newer. */
const FIRST_DELTA = 1_780_000_000_000_000_000n;
const DELTAS_PER_PAGE = 128;

const [shapeName, pagesText, latencyText] = process.argv.slice(2);
const shape = SHAPES.find(({ name }) => name === shapeName)!;
const pages = Number(pagesText);
const latency = Number(latencyText);

const documents = Array.from({ length: shape.perPage }, (_, n) => shape.document(n));
const snapshotValues = Buffer.from(`{"values":[${documents.join(',')}]`);
const changed = documents.slice(0, DELTAS_PER_PAGE).map((text) => text.replace(/("_ts":\d+)/, '$1,"_deleted":false'));
const deltaValues = Buffer.from(`{"values":[${changed.join(',')}]`);

let requests = 0;
let idle = 0;
let answeredAt: number | undefined;

function answer(path: string, body: string): Buffer[] {
  switch (path) {
    case '/bench':
      return [Buffer.from(JSON.stringify({ requests, idle: idle / 1000 } satisfies ReplayReport))];
    case '/api/test_streaming_export_connection':
      return [Buffer.from('null')];
    case '/api/get_table_column_names':
      return [Buffer.from('{"byComponent":{"":[{"name":"documents","columns":["_id"]}]}}')];
    case '/api/json_schemas':
      return [Buffer.from('{"":{"documents":{"type":"object","properties":{"_id":{"type":"string"}}}}}')];
    case '/api/streaming_import/primary_key_indexes_ready':
      return [Buffer.from('{"indexesReady":true}')];
    case '/api/list_snapshot': {
      if (!body.includes('"snapshot"'))
        return [Buffer.from(`{"values":[],"snapshot":${SNAPSHOT},"cursor":null,"hasMore":false}`)];
      const page = Number(/"cursor":"(\d+)"/.exec(body)?.[1] ?? 0) + 1;
      const more = page < pages;
      return [
        snapshotValues,
        Buffer.from(`,"snapshot":${SNAPSHOT},"cursor":${more ? `"${page}"` : 'null'},"hasMore":${more}}`),
      ];
    }
    case '/api/document_deltas': {
      const page = BigInt(/"cursor":(\d+)/.exec(body)![1]!) - FIRST_DELTA + 1n;
      const more = page < BigInt(pages);
      // A page's cursor is never before its documents: the last one's is the head.
      return [
        more ? olderThan(page) : deltaValues,
        Buffer.from(`,"cursor":${more ? FIRST_DELTA + page : SNAPSHOT},"hasMore":${more}}`),
      ];
    }
    case '/api/v1/data/list_active_syncs':
      return [
        Buffer.from(
          '{"syncs":[{"syncId":"bench","status":{"type":"upToDate","totalTables":1,"numDocumentsSynced":0}}],"pagination":{"hasMore":false,"nextCursor":null}}',
        ),
      ];
    case '/api/data_sync_cursor_from_deltas':
      return [Buffer.from(`{"cursor":"${CAUGHT_UP}"}`)];
    case '/api/v1/data/sync': {
      if (body.includes(CAUGHT_UP.slice(0, -1))) return [caughtUp(body.includes(CAUGHT_UP))];
      const page = BigInt(Number.parseInt(/"cursor":"([0-9a-f]+)"/.exec(body)![1]!, 16)) + 1n;
      const type = page < BigInt(pages) ? 'stale' : 'upToDate';
      const cursor = page.toString(16).padStart(CURSOR_LENGTH, '0');
      return [
        Buffer.from(`{"status":{"type":"${type}","snapshotTs":${syncTs(page)}},"truncates":[],"values":[`),
        syncValues(page),
        Buffer.from(`],"syncId":"bench","pagination":{"hasMore":true,"nextCursor":"${cursor}"}}`),
      ];
    }
    default:
      return [];
  }
}

/** Hex digits of a cursor of one table. */
const CURSOR_LENGTH = 162;
const CHANGES_PER_SYNC_PAGE = 16_384;
const CHANGES_PER_COMMIT = 10;

/** The cursor that a conversion gives: nothing has happened since the snapshot. */
const CAUGHT_UP = 'f'.repeat(CURSOR_LENGTH);

/** `first`: no answer gives the cursor back that it was given. */
function caughtUp(first: boolean): Buffer {
  const cursor = `${CAUGHT_UP.slice(0, -1)}${first ? 'e' : 'f'}`;
  return Buffer.from(
    `{"status":{"type":"upToDate","snapshotTs":${SNAPSHOT}},"truncates":[],"values":[],"syncId":"bench","pagination":{"hasMore":true,"nextCursor":"${cursor}"}}`,
  );
}

let syncPage: { values: Buffer; timestamps: number[] } | undefined;

/** The changes of a page of Data Sync, ten to a commit. Made when the first page is asked for. */
function syncValues(page: bigint): Buffer {
  if (syncPage === undefined) {
    const changes: string[] = [];
    for (let n = 0; n < CHANGES_PER_SYNC_PAGE; n++) {
      const value = shape
        .document(n)
        .replace(/^\{"_component":"","_table":"documents","_ts":\d+,/, '{')
        // An int64 in export_json, in which all pages of Data Sync are.
        .replace(/"balance":"(\d+)"/, '"balance":$1');
      changes.push(`{"component":"","table":"documents","ts":${FIRST_DELTA},"deleted":false,"value":${value}}`);
    }
    const values = Buffer.from(changes.join(','));
    syncPage = { values, timestamps: placesAfter(values, '"table":"documents","ts":') };
  }
  const { values, timestamps } = syncPage;
  for (let n = 0; n < timestamps.length; n += CHANGES_PER_COMMIT) {
    const ts = Buffer.from(String(syncTs(page) - BigInt(timestamps.length - n)));
    for (const at of timestamps.slice(n, n + CHANGES_PER_COMMIT)) ts.copy(values, at);
  }
  return values;
}

/** The timestamp of a page of Data Sync: after all of its changes. */
function syncTs(page: bigint): bigint {
  return FIRST_DELTA + page * 1_000_000n;
}

/** The delta page with timestamps that its position allows: all digits of the page's cursor. */
function olderThan(page: bigint): Buffer {
  const ts = Buffer.from(String(FIRST_DELTA + page));
  const copy = Buffer.from(deltaValues);
  for (const at of timestamps) ts.copy(copy, at);
  return copy;
}

const timestamps = placesAfter(deltaValues, '"_ts":');

/** Where the text ends, each time that it stands in the buffer. */
function placesAfter(buffer: Buffer, text: string): number[] {
  const places: number[] = [];
  for (let at = buffer.indexOf(text); at !== -1; at = buffer.indexOf(text, at + 1)) places.push(at + text.length);
  return places;
}

const server = http.createServer((request, response) => {
  const path = request.url!.split('?')[0]!;
  const measured = path !== '/bench';
  if (measured) {
    requests++;
    if (answeredAt !== undefined) idle += performance.now() - answeredAt;
    answeredAt = undefined;
  }
  const chunks: Buffer[] = [];
  const keep = path !== '/api/streaming_import/import_airbyte_records';
  request.on('data', (chunk: Buffer) => {
    if (keep) chunks.push(chunk);
  });
  request.on('end', () => {
    const send = () => {
      const parts = answer(path, Buffer.concat(chunks).toString());
      const length = parts.reduce((sum, part) => sum + part.length, 0);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': length });
      for (const part of parts) response.write(part);
      response.end(() => {
        if (measured) answeredAt = performance.now();
      });
    };
    if (latency > 0) setTimeout(send, latency);
    else send();
  });
});

server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as { port: number }).port}\n`));
process.on('disconnect', () => process.exit());
