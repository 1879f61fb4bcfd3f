/** HTTP actions: an app's own HTTP endpoints, which answer as the app likes. */
import { ConvexApiError } from './errors.ts';
import type { ConvexClient, HttpRequest } from './client.ts';

/** Bytes of a body that an HTTP action is given (udf/src/http_action.rs; the documents say 20 MB). */
export const MAX_HTTP_ACTION_BODY = 20 * 1024 * 1024;

/**
 * POSTs JSON to an HTTP action; every answer of 200 to 299 is a success. The receiver must be idempotent: the
 * call is tried again as `errors.ts` says, also where it may have been carried out. Throws `ConvexApiError`:
 * of the refusals, only the status says anything, since the rest is the app's own.
 */
export async function postToHttpAction(http: ConvexClient, path: string, json: string): Promise<void> {
  const body = Buffer.from(json);
  if (body.length > MAX_HTTP_ACTION_BODY) {
    const message = `the body has ${body.length} bytes; HTTP actions take up to 20 MB (${MAX_HTTP_ACTION_BODY} bytes)`;
    throw new ConvexApiError({ reason: 'refused', retry: false }, message);
  }
  const request: HttpRequest = { method: 'POST', path, body, accepts: (status) => status >= 200 && status < 300 };
  await http.retrying(path, async () => {
    try {
      await http.once(request);
    } catch (error) {
      throw isOwnRefusal(error) ? new ConvexApiError({ ...error, retry: false }, error.message, error) : error;
    }
  });
}

/**
 * No such route, or a wrong secret: answers of the app, which have no code of Convex's, and not of an ingress
 * that passes.
 */
function isOwnRefusal(error: unknown): error is ConvexApiError & { status: number } {
  return error instanceof ConvexApiError && (error.status === 403 || error.status === 404);
}
