/** The four shapes of documents that are measured, as the text that a deployment serves. */

export interface Shape {
  name: string;
  /** Documents in one snapshot page: what a deployment would put there, fewer of the large ones so that pages can be prepared. */
  perPage: number;
  /** Pages of one run: some hundred megabytes, so that starting up does not count. */
  pages: number;
  /** JSON text of the document with this number, with its meta fields. */
  document: (n: number) => string;
}

const SENTENCE =
  'The quick brown fox jumps over the lazy dog while it rains and nobody, "not even" the cat, looks up from what it is doing. ';

function head(n: number): string {
  const ts = 1_790_000_000_126_281_651n + BigInt(n) * 7_919n;
  // As Convex prints it: a float64.
  const creationTime = 1_790_000_000_124 + (1000 + (n % 9000)) / 10_000;
  return `"_component":"","_table":"documents","_ts":${ts},"_creationTime":${creationTime},"_id":"j97${String(n).padStart(29, '0')}"`;
}

function text(length: number): string {
  return JSON.stringify(SENTENCE.repeat(Math.ceil(length / SENTENCE.length)).slice(0, length));
}

export const SHAPES: readonly Shape[] = [
  { name: 'tiny', perPage: 1024, pages: 1500, document: (n) => `{${head(n)}}` },
  {
    name: 'typical',
    perPage: 1024,
    pages: 800,
    document: (n) =>
      `{${head(n)},"active":${n % 3 === 0},"address":{"city":"Reykjavík","geo":{"lat":64.1466,"lng":-21.9426},"street":"Laugavegur ${n % 200}"},` +
      `"balance":"${n * 97}","email":"user${n}@example.com","name":"User number ${n}","notes":${text(150)},` +
      `"scores":[1.0,2.5,${n % 100}.25,null],"tags":["alpha","beta","gamma"],"updated":${1_790_000_000_000 + n}.0}`,
  },
  {
    name: 'wide',
    perPage: 256,
    pages: 120,
    document: (n) => `{${head(n)},"body":${text(10_000)},"more":${text(9_500)}}`,
  },
  { name: 'huge', perPage: 8, pages: 80, document: (n) => `{${head(n)},"body":${text(1_000_000)}}` },
];

export function shapeNamed(name: string): Shape {
  return SHAPES.find((shape) => shape.name === name)!;
}

/** Bytes of one page's documents. */
export function pageBytes(shape: Shape): number {
  let bytes = 0;
  for (let n = 0; n < shape.perPage; n++) bytes += Buffer.byteLength(shape.document(n)) + 1;
  return bytes;
}
