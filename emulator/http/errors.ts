/**
 * An answer that is not a success, with the two fields that a Convex error body has. Where both are empty, the body is
 * empty too (crates/common/src/http/mod.rs).
 */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  /** Headers of the answer. */
  readonly headers: Record<string, string>;

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.headers = headers;
    this.status = status;
    this.code = code;
  }

  /** The JSON body, or an empty string. */
  body(): string {
    return this.code === '' && this.message === '' ? '' : JSON.stringify({ code: this.code, message: this.message });
  }
}

export const INTERNAL_MESSAGE = "Your request couldn't be completed. Try again later.";

/**
 * An error that the backend does not tag: every such becomes the same 500, whatever went wrong, even where the input
 * was bad and always will be (C7). `reason` is for the reader of a stack trace and is never sent.
 */
export class ServerError extends HttpError {
  readonly reason: string;

  constructor(reason: string) {
    super(500, 'InternalServerError', INTERNAL_MESSAGE);
    this.reason = reason;
  }
}

export function badRequest(code: string, message: string): HttpError {
  return new HttpError(400, code, message);
}

export function unauthenticated(code: string, message: string): HttpError {
  return new HttpError(401, code, message);
}

export function forbidden(code: string, message: string): HttpError {
  return new HttpError(403, code, message);
}

/** 503: the backend is busy or lost a race; the same request may succeed a moment later. */
export function unavailable(code: string, message: string): HttpError {
  return new HttpError(503, code, message);
}

/** A limit of one transaction was hit: the import commits what it has and goes on in a new one (C146). */
export class TransactionLimit extends HttpError {
  constructor(code: string, message: string) {
    super(400, code, message);
  }
}
