/** The request of the page's client: its path with the values of its names and its query, and its body. */
export function filled(
  path: string,
  { params: { path: names = {}, query = {} } = {}, body }: { params?: Params; body?: unknown } = {},
): { path: string; body: unknown } {
  const at = path.replace(/\{(\w+)\}/g, (_, name: string) => String(names[name])).replace('/api/v1', '');
  const asked = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)])).toString();
  return { path: asked === '' ? at : `${at}?${asked}`, body };
}

interface Params {
  path?: Record<string, unknown>;
  query?: Record<string, unknown>;
}
