import type { Approval, Question, Reminder } from '../../api/types';

/** One thing that an agent waits for or owes. */
export type LooseEnd =
  | { kind: 'asked'; question: Question }
  | { kind: 'owed'; question: Question }
  | { kind: 'approval'; approval: Approval }
  | { kind: 'reminder'; reminder: Reminder };

export interface LooseEnds {
  agent: string;
  owed: number;
  asked: number;
  approvals: number;
  reminders: number;
  ends: readonly LooseEnd[];
}

/**
 * Per agent, by name: answers it owes, then answers and decisions it waits for, then its reminders; each in the order
 * given.
 */
export function looseEnds(
  questions: readonly Question[],
  reminders: readonly Reminder[],
  approvals: readonly Approval[],
): LooseEnds[] {
  const agents = new Map<
    string,
    { owed: LooseEnd[]; asked: LooseEnd[]; approvals: LooseEnd[]; reminders: LooseEnd[] }
  >();
  const of = (agent: string) => {
    let ends = agents.get(agent);
    if (ends === undefined) {
      ends = { owed: [], asked: [], approvals: [], reminders: [] };
      agents.set(agent, ends);
    }
    return ends;
  };
  for (const question of questions) {
    if (question.target != null) of(question.target).owed.push({ kind: 'owed', question });
    of(question.asker).asked.push({ kind: 'asked', question });
  }
  // Agents propose through the manager; a request of the operator is nobody's loose end.
  for (const approval of approvals)
    if (approval.requester !== 'operator')
      of(approval.requester ?? 'manager').approvals.push({ kind: 'approval', approval });
  for (const reminder of reminders) of(reminder.agent).reminders.push({ kind: 'reminder', reminder });
  return [...agents]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([agent, { owed, asked, approvals: proposed, reminders: due }]) => ({
      agent,
      owed: owed.length,
      asked: asked.length,
      approvals: proposed.length,
      reminders: due.length,
      ends: [...owed, ...asked, ...proposed, ...due],
    }));
}
