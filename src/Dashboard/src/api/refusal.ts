/** A refusal of the host, or a host that cannot be reached; the message is for the operator. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
  ) {
    super(message);
  }

  /** Whether the next try may succeed. */
  get passing(): boolean {
    return this.status < 400 || this.status >= 500 || this.status === 408 || this.status === 429;
  }
}

/** Reads the detail of a refused response (problem+json), else names its status. */
export async function refusalOf(response: Response): Promise<Refusal> {
  let problem: { code?: unknown; detail?: unknown; title?: unknown } = {};
  try {
    problem = (await response.json()) as typeof problem;
  } catch {
    // Not every refusal comes from Hive: a proxy may answer in another form.
  }
  const words = [problem.detail, problem.title].find((text): text is string => typeof text === 'string' && text !== '');
  return new Refusal(
    words ?? `the host answered ${response.status} ${response.statusText}`.trim(),
    response.status,
    typeof problem.code === 'string' ? problem.code : '',
  );
}

export const words = (e: unknown): string => (e instanceof Error ? e.message : String(e));
