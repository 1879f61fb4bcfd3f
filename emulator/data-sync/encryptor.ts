import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 16;
const ALGORITHM = 'aes-128-gcm';

/**
 * Makes tokens of one purpose that only this deployment can read (crates/keybroker/src/encryptor.rs): hexadecimal digits
 * of a version byte, a random nonce, the encrypted content and a tag. The same content never gives the same token twice.
 * The backend uses AES-GCM-SIV, which has the same lengths.
 */
export class Encryptor {
  readonly #key: Buffer;

  constructor(instanceSecret: string, purpose: string) {
    this.#key = createHmac('sha256', instanceSecret).update(purpose).digest().subarray(0, KEY_BYTES);
  }

  seal(content: Buffer): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#key, nonce).setAAD(Buffer.from([VERSION]));
    const encrypted = Buffer.concat([cipher.update(content), cipher.final()]);
    return Buffer.concat([Buffer.from([VERSION]), nonce, encrypted, cipher.getAuthTag()]).toString('hex');
  }

  /** The content of a token; undefined for anything that this deployment has not sealed. */
  open(token: string): Buffer | undefined {
    if (!/^(0x)?([0-9a-f]{2})*$/i.test(token)) return undefined;
    const bytes = Buffer.from(token.replace(/^0x/, ''), 'hex');
    if (bytes[0] !== VERSION || bytes.length < 1 + NONCE_BYTES + TAG_BYTES) return undefined;
    const end = bytes.length - TAG_BYTES;
    const decipher = createDecipheriv(ALGORITHM, this.#key, bytes.subarray(1, 1 + NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from([VERSION])).setAuthTag(bytes.subarray(end));
    const start = decipher.update(bytes.subarray(1 + NONCE_BYTES, end));
    try {
      return Buffer.concat([start, decipher.final()]);
    } catch {
      return undefined;
    }
  }
}
