/** HTTP actions: an app's own HTTP endpoints (C198). */
import { ConvexApiError } from './errors.ts';
import type { ConvexClient, HttpRequest } from './client.ts';

/** Bytes of a request body that an HTTP action accepts (C198). */
const MAX_HTTP_ACTION_BODY = 20 * 1024 * 1024;

/**
 * POSTs JSON to an HTTP action; an answer of 200 to 299 is a success. Retried even if the call may have been
 * carried out, so the receiver must be idempotent. Throws `ConvexApiError`; of a refusal only the status is
 * used, since the rest is the app's.
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
      if (!(error instanceof ConvexApiError) || (error.status !== 403 && error.status !== 404)) throw error;
      // No such route or a wrong secret: the app's own refusals.
      throw new ConvexApiError({ ...error, retry: false }, error.message, error);
    }
  });
}
