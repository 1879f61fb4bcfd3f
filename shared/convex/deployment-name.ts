/**
 * The name of a deployment, by which a saved position is recognised as one of another deployment. An address
 * will not do for that: the same self-hosted deployment is reached as localhost from one place and under
 * another name from the next.
 *
 * The first label of a cloud host is the name (`happy-otter-123.convex.cloud`); otherwise a deploy key says
 * it in the clear before its secret (`prod:happy-otter-123|…`, self-hosted `name|…`). Keys of previews and
 * projects name no deployment. Undefined: not known.
 */
export function deploymentName(hostname: string, key: string): string | undefined {
  if (hostname.endsWith('.convex.cloud')) return hostname.split('.', 1)[0];
  return /^(?:(?:prod|dev):)?([^:|]+)\|/.exec(key)?.[1];
}
