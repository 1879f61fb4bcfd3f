/** The forward proxy that the environment names, as Node's agents read it. */

export interface ProxySetting {
  /** The variable that names it: `HTTPS_PROXY` */
  variable: string;
  /**
   * Host and port, `proxy.example.com:3128`, without user name and password; undefined where the value is not
   * a URL.
   */
  address: string | undefined;
  /**
   * False: Node ignores the value, since it does not begin with http:// or https:// (`proxy:3128`,
   * `socks5://…`).
   */
  heeded: boolean;
}

/**
 * The proxy for URLs of this protocol. NO_PROXY is not looked at: whether a host is excepted is Node's
 * decision.
 */
export function proxySetting(protocol: string, env: NodeJS.ProcessEnv): ProxySetting | undefined {
  // The lower case comes first, as in Node.
  const names = protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY'];
  const variable = names.find((name) => env[name]);
  if (variable === undefined) return undefined;
  const value = env[variable]!;
  const heeded = value.startsWith('http://') || value.startsWith('https://');
  try {
    const { hostname, port, protocol: scheme } = new URL(heeded ? value : `http://${value.replace(/^\w+:\/\//, '')}`);
    return { variable, address: `${hostname}:${port || (scheme === 'https:' ? '443' : '80')}`, heeded };
  } catch {
    return { variable, address: undefined, heeded };
  }
}
