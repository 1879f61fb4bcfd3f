/** The part of the protobuf wire format that a cursor needs: varints, and fields with a length (bytes, text, messages). */

const VARINT = 0;
const LENGTH = 2;

/** Writes one message; fields come in the order of the calls. */
export class ProtobufWriter {
  readonly #parts: Buffer[] = [];

  varint(field: number, value: bigint | number): this {
    this.#parts.push(varint(BigInt((field << 3) | VARINT)), varint(BigInt(value)));
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#parts.push(varint(BigInt((field << 3) | LENGTH)), varint(BigInt(value.length)), Buffer.from(value));
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value));
  }

  message(field: number, value: ProtobufWriter): this {
    return this.bytes(field, value.finish());
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** A message that has been read: each field's values in their order. */
export class ProtobufMessage {
  readonly #fields = new Map<number, (bigint | Buffer)[]>();

  /** @throws RangeError for bytes that are no message of this kind */
  constructor(bytes: Buffer) {
    const reader = { bytes, position: 0 };
    while (reader.position < bytes.length) {
      const tag = Number(readVarint(reader));
      const values = this.#fields.get(tag >> 3) ?? [];
      this.#fields.set(tag >> 3, values);
      if ((tag & 7) === VARINT) values.push(readVarint(reader));
      else if ((tag & 7) === LENGTH) values.push(readBytes(reader));
      else throw new RangeError('unknown wire type');
    }
  }

  has(field: number): boolean {
    return this.#fields.has(field);
  }

  varint(field: number): bigint {
    const value = this.#fields.get(field)?.at(-1);
    if (typeof value !== 'bigint') throw new RangeError(`field ${field} is missing`);
    return value;
  }

  bytes(field: number): Buffer {
    const value = this.#fields.get(field)?.at(-1);
    if (!(value instanceof Buffer)) throw new RangeError(`field ${field} is missing`);
    return value;
  }

  text(field: number): string {
    return this.bytes(field).toString('utf8');
  }

  messages(field: number): ProtobufMessage[] {
    return (this.#fields.get(field) ?? []).map((value) => {
      if (!(value instanceof Buffer)) throw new RangeError(`field ${field} is no message`);
      return new ProtobufMessage(value);
    });
  }
}

interface Reader {
  bytes: Buffer;
  position: number;
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 0x80n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
}

function readVarint(reader: Reader): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.bytes[reader.position++];
    if (byte === undefined) throw new RangeError('the message ends within a number');
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  throw new RangeError('a number is too long');
}

function readBytes(reader: Reader): Buffer {
  const length = Number(readVarint(reader));
  const end = reader.position + length;
  if (end > reader.bytes.length) throw new RangeError('the message ends within a field');
  const bytes = reader.bytes.subarray(reader.position, end);
  reader.position = end;
  return bytes;
}
