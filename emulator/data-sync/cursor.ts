import { decodeId, encodeId } from '../values/ids.ts';
import { ProtobufMessage, ProtobufWriter } from './protobuf.ts';

/** A tablet that a sync tracks, with the name that it had when the cursor was made. */
export interface TrackedTablet {
  /** The 16 bytes of its id, in hexadecimal digits. */
  id: string;
  component: string;
  table: string;
}

/** Where a sync stands (crates/pb_data_sync/protos/convex_data_sync.proto). The selection is not part of it. */
export interface SyncCursor {
  /** All captured documents have been delivered as they were at this timestamp. */
  syncedTs: bigint;
  /** Tablets that have been walked to their end, in the order of their ids. */
  synced: TrackedTablet[];
  /** The tablet that is being walked, the last `_id` that was read in it, and how many documents so far. */
  current: { tablet: TrackedTablet; lastId: string | undefined; documents: number } | undefined;
  syncId: string;
  /** Values delivered since the sync began, tombstones and repeated revisions included. */
  documents: number;
}

export function encodeCursor(cursor: SyncCursor): Buffer {
  const writer = new ProtobufWriter().varint(1, cursor.syncedTs);
  for (const tablet of cursor.synced) writer.message(2, encodeTablet(tablet));
  if (cursor.current === undefined) {
    writer.message(3, new ProtobufWriter());
  } else {
    const { tablet, lastId, documents } = cursor.current;
    const current = encodeTablet(tablet);
    const id = lastId === undefined ? undefined : decodeId(lastId);
    if (id !== undefined) {
      current.message(4, new ProtobufWriter().varint(1, id.tableNumber).bytes(2, id.internalId));
    }
    writer.message(4, current.varint(5, documents));
  }
  return writer.text(5, cursor.syncId).varint(6, cursor.documents).finish();
}

/** @throws RangeError for bytes that are no cursor */
export function decodeCursor(bytes: Buffer): SyncCursor {
  const message = new ProtobufMessage(bytes);
  const [current] = message.messages(4);
  const [id] = current?.messages(4) ?? [];
  return {
    syncedTs: message.varint(1),
    synced: message.messages(2).map(decodeTablet),
    current: current && {
      tablet: decodeTablet(current),
      lastId: id && encodeId(Number(id.varint(1)), id.bytes(2)),
      documents: Number(current.varint(5)),
    },
    syncId: message.text(5),
    documents: Number(message.varint(6)),
  };
}

/** The tablets that a cursor tracks: synced ones and the one in progress. */
export function trackedTablets(cursor: SyncCursor): TrackedTablet[] {
  return cursor.current === undefined ? cursor.synced : [...cursor.synced, cursor.current.tablet];
}

function encodeTablet({ id, component, table }: TrackedTablet): ProtobufWriter {
  return new ProtobufWriter().bytes(1, Buffer.from(id, 'hex')).text(2, component).text(3, table);
}

function decodeTablet(message: ProtobufMessage): TrackedTablet {
  return { id: message.bytes(1).toString('hex'), component: message.text(2), table: message.text(3) };
}
