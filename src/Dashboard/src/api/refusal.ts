/** The host refused, or could not be reached; the message is written for the person at the page. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
  ) {
    super(message);
  }

  /** It may be another answer the next time. */
  get passing(): boolean {
    return this.status < 400 || this.status >= 500 || this.status === 408 || this.status === 429;
  }
}

/** Reads what a refused response says of itself (problem+json), else names its status. */
export async function refusalOf(response: Response): Promise<Refusal> {
  let problem: { code?: unknown; detail?: unknown; title?: unknown } = {};
  try {
    problem = (await response.json()) as typeof problem;
  } catch {
    // Not every refusal comes from Hive itself: a proxy in between answers as it likes.
  }
  const words = [problem.detail, problem.title].find((text): text is string => typeof text === 'string' && text !== '');
  return new Refusal(
    words ?? `the host answered ${response.status} ${response.statusText}`.trim(),
    response.status,
    typeof problem.code === 'string' ? problem.code : '',
  );
}

export const words = (e: unknown): string => (e instanceof Error ? e.message : String(e));
