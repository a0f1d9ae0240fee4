import { api } from '../../api/client';
import { words } from '../../api/refusal';
import type { BoardColumn, TicketCard, WorkflowView } from '../../api/types';
import { type Action, perform } from '../../ui/action';
import type { KeyName } from '../../ui/keys';
import { go } from '../../ui/link';
import { openMenu } from '../../ui/menu';
import { refusal } from '../../ui/refused';
import { askPalette, type Step, type WithText } from '../../ui/registry';
import { approveTicket, at, type Named, nameOf, rejectTicket, unblock } from './actions';
import {
  allows,
  BLOCKED,
  columnBeside,
  columnsOf,
  homeOf,
  isNew,
  isOverlay,
  needsYou,
  PRIORITIES,
  phaseIn,
  phaseName,
  phaseOf,
  waitingAddress,
} from './columns';
import { carry, refuse } from './moves';
import { board } from './store';

/** The words for why a ticket is blocked, as the host has them, and what each means. */
const BLOCKS = [
  ['waiting_on_clarification', 'It waits for an answer'],
  ['environment', 'Something around it does not work'],
  ['failing_checks', 'Its checks fail'],
  ['dependency', 'Something else has to be done first'],
  ['budget', 'Its budget is used up'],
] as const;

/** A block's type in plain words. */
export const blockWords = (type: string): string =>
  BLOCKS.find(([word]) => word === type)?.[1].toLowerCase() ?? type.replaceAll('_', ' ');

const of = (card: TicketCard): string => `ticket ${nameOf(card)}`;

export const workflowOf = ({ workflow }: Pick<TicketCard, 'workflow'>): WorkflowView | undefined =>
  board.workflows.value.find(({ name }) => name === workflow);

const change = (card: TicketCard, body: { priority?: string; before?: number }): Promise<unknown> =>
  api.PATCH('/api/v1/tickets/{id}', { ...at(card.id), body });

/** The columns of a ticket's workflow. */
const columnsFor = (card: TicketCard): BoardColumn[] => columnsOf(card.workflow, workflowOf(card), board.columns.value);

/** An action that opens the palette with its next question. */
const asking = (action: Omit<Action, 'run'>, step: () => Step): Action => ({
  ...action,
  run: async () => askPalette(step()),
});

interface Choice {
  id: string;
  title: string;
  text: WithText;
}

/** A choice among things, then a text for the chosen one. */
const choose = (title: string, choices: readonly Choice[]): Step => ({
  title,
  entries: () =>
    choices.map(({ id, title: name, text }) => ({
      id,
      title: name,
      group: 'choice',
      asks: () => ({ title: `${name}: ${text.placeholder}`, text }),
    })),
});

/** Moves a card to a column, where it is shown at once; a refusal brings it back. */
export async function moveTo(card: TicketCard, column: BoardColumn): Promise<boolean> {
  if (isOverlay(column)) {
    await perform(block(card));
    return false;
  }
  // Out of the blocked ones, to where its phase is.
  if (card.blocked != null && homeOf(card, columnsFor(card))?.id === column.id) return perform(unblockCard(card));
  return carry(card, column, phaseIn(column, card, workflowOf(card)));
}

/** Moves a card to a column, above another one of it. */
export async function moveAbove(card: TicketCard, column: BoardColumn, before: number): Promise<void> {
  // Not in one request: a ticket that goes on from there at once has left that other one.
  if (await moveTo(card, column)) await rank(card, before);
}

/** Moves a card one column to the left or to the right; the end of the board says so. */
export function moveBeside(card: TicketCard, by: 1 | -1): void {
  const column = columnBeside(card, columnsFor(card), by);
  if (column === undefined) refuse(card, `No column is to the ${by < 0 ? 'left' : 'right'} of this one.`);
  else void moveTo(card, column);
}

const moveAction = (card: TicketCard, column: BoardColumn): Action => ({
  id: `move ${column.id}`,
  label: '⇢ T0',
  of: `${column.name}: ${of(card)}`,
  shown: column.name,
  run: () => moveTo(card, column),
});

/** The columns that the workflow allows a ticket into, and the ways that it does not. */
export function moveChoices(card: TicketCard): Action[] {
  const workflow = workflowOf(card);
  const columns = columnsFor(card).filter((column) => !isOverlay(column));
  const home = homeOf(card, columns);
  return [
    ...columns
      .filter((column) => column !== home && (workflow === undefined || allows(column, card, workflow)))
      .map((column) => moveAction(card, column)),
    sendBack(card),
    force(card),
  ];
}

export const openMoves = (card: TicketCard, at: HTMLElement): void => {
  if (card.done_at == null) openMenu(`Move ticket ${card.id}`, moveChoices(card), at);
  else refuse(card, 'It has ended; make another ticket that follows it up.');
};

/** Back to an earlier phase, with the feedback for its rework. */
export const sendBack = (card: TicketCard): Action =>
  asking({ id: 'send-back', label: '⇠ S3ND B4CK', of: of(card) }, () => {
    const workflow = workflowOf(card);
    const phases = workflow?.spec.phases ?? [];
    const here = phases.findIndex(({ id }) => id === card.phase_id);
    const allowed = phaseOf(workflow, card.phase_id)?.allowed_transitions ?? [];
    return choose(
      `Send ticket ${card.id} back to which phase?`,
      phases
        .filter((phase, i) => i < here && allowed.includes(phase.id))
        .map(({ id, name }) => ({
          id: `back ${id}`,
          title: name,
          text: withReason(card, 'send-back', '⇠ S3ND B4CK', 'what has to change', 'feedback', (reason) =>
            api.POST('/api/v1/tickets/{id}/regress', { ...at(card.id), body: { to_phase: id, reason } }),
          ),
        })),
    );
  });

/** To any phase, whatever its workflow, gate, block and limit say. */
export const force = (card: TicketCard): Action =>
  asking({ id: 'force', label: '‼ F0RC3', of: of(card), weight: 'danger' }, () =>
    choose(
      `Force ticket ${card.id} into which phase?`,
      (workflowOf(card)?.spec.phases ?? [])
        .filter(({ id }) => id !== card.phase_id && id !== BLOCKED)
        .map(({ id, name }) => ({
          id: `force ${id}`,
          title: name,
          text: forceText(card, id),
        })),
    ),
  );

/** Into the phase of a refused move, whatever refused it. */
export const forceInto = (card: TicketCard, to_phase: string): Action =>
  asking({ id: 'force', label: '‼ F0RC3', of: of(card), weight: 'danger' }, () => ({
    title: `Force ticket ${card.id} into ${phaseName(workflowOf(card), to_phase)}`,
    text: forceText(card, to_phase),
  }));

const forceText = (card: TicketCard, to_phase: string): WithText =>
  withReason(card, 'force', '‼ F0RC3', 'why the rules do not count here', 'a reason', (reason) =>
    api.POST('/api/v1/tickets/{id}/transition', { ...at(card.id), body: { to_phase, reason, force: true } }),
  );

function withReason(
  card: TicketCard,
  id: string,
  label: WithText['label'],
  placeholder: string,
  what: string,
  run: (reason: string) => Promise<unknown>,
): WithText {
  return {
    id,
    label,
    of: of(card),
    target: `${id}:${card.id}`,
    placeholder,
    what,
    reader: '*',
    ...(id === 'force' ? { weight: 'danger' as const } : {}),
    // Neither can be taken back: evidence of before does not count any more, and tasks begin or end.
    action: (reason) => ({ id, label, of: of(card), hold: true, run: () => run(reason) }),
  };
}

export const block = (card: TicketCard): Action =>
  asking({ id: 'block', label: '⊘ BL0CK', of: of(card), key: 'block' }, () =>
    choose(
      `Why is ticket ${card.id} blocked?`,
      BLOCKS.map(([type, title]) => ({
        id: `block ${type}`,
        title,
        text: {
          ...withReason(card, 'block', '⊘ BL0CK', 'the reason', 'a reason', () => Promise.resolve()),
          action: (reason): Action => ({
            id: 'block',
            label: '⊘ BL0CK',
            of: of(card),
            run: () => api.POST('/api/v1/tickets/{id}/block', { ...at(card.id), body: { type, reason } }),
            undo: () => api.POST('/api/v1/tickets/{id}/unblock', at(card.id)),
          }),
        },
      })),
    ),
  );

/** Ends a block; taken back, it is blocked again for the same reason. */
function unblockCard(card: TicketCard): Action {
  const { id, blocked: type, blocked_reason: reason } = card;
  if (type == null) return unblock(card);
  const body = { type, ...(reason == null || reason.trim() === '' ? {} : { reason }) };
  return { ...unblock(card), undo: () => api.POST('/api/v1/tickets/{id}/block', { ...at(id), body }) };
}

export const blockOrUnblock = (card: TicketCard): Action => (card.blocked == null ? block(card) : unblockCard(card));

/** Stops the tasks of a ticket from being given out, or lets them be. */
export function holdOrRelease(card: TicketCard): Action {
  const set = (held: boolean) =>
    held ? api.POST('/api/v1/tickets/{id}/hold', at(card.id)) : api.POST('/api/v1/tickets/{id}/release', at(card.id));
  return {
    id: 'hold',
    label: card.held ? '▶ R3L34S3' : '‖ H0LD',
    of: of(card),
    key: 'hold',
    run: () => set(!card.held),
    undo: () => set(card.held),
  };
}

export const commentText = ({ id }: Pick<TicketCard, 'id'>): WithText => ({
  id: 'comment',
  label: '✎ C0MM3NT',
  of: `on ticket ${id}`,
  target: `comment:${id}`,
  placeholder: 'a comment for its history',
  what: 'a comment',
  reader: '*',
  action: (comment) => ({
    id: 'comment',
    label: '✎ C0MM3NT',
    of: `on ticket ${id}`,
    run: () => api.POST('/api/v1/tickets/{id}/comments', { ...at(id), body: { comment } }),
  }),
});

const texted = (one: WithText, key?: KeyName): Action =>
  asking(
    {
      id: one.id,
      label: one.label,
      of: one.of,
      ...(key === undefined ? {} : { key }),
      ...(one.weight === undefined ? {} : { weight: one.weight }),
    },
    () => ({ title: one.of, text: one }),
  );

export const comment = (card: TicketCard): Action =>
  texted(commentText(card), needsYou(card) === null ? 'reply' : undefined);

/** Goes to what the operator has to decide before a ticket goes on; comments on it where there is nothing to decide. */
export const answerOrComment = (card: TicketCard): Action => {
  const key = needsYou(card);
  return key === null
    ? comment(card)
    : {
        id: 'answer',
        label: '↩ 4NSW3R',
        of: `what waits for you: ${of(card)}`,
        key: 'reply',
        weight: 'primary',
        run: async () => go(waitingAddress(key)),
      };
};

export const reject = (card: TicketCard): Action => texted(rejectTicket(card), 'deny');

/** Asks for another priority of a ticket or a task. */
export function choosePriority(
  kind: 'ticket' | 'task',
  one: Named & { priority: string },
  set: (priority: string) => Promise<unknown>,
): Action {
  const named = { id: `${kind}-priority`, label: '⇅ PR10R1TY', of: `${kind} ${nameOf(one)}` } as const;
  return asking(named, () => ({
    title: `The priority of ${kind} ${one.id}?`,
    entries: () =>
      PRIORITIES.filter((priority) => priority !== one.priority).map((priority) => ({
        id: `priority ${priority}`,
        title: priority.toLowerCase(),
        group: 'choice',
        run: () => perform({ ...named, run: () => set(priority), undo: () => set(one.priority) }),
      })),
  }));
}

const setPriority = (card: TicketCard): Action =>
  choosePriority('ticket', card, (priority) => change(card, { priority }));

/** Puts a ticket before another one of its column, or at its end. */
export const rank = (card: TicketCard, before: number | 'end'): Promise<unknown> =>
  change(card, { before: before === 'end' ? 0 : before }).catch((e: unknown) => refuse(card, words(e)));

export const judge = (card: TicketCard): Action => ({
  id: 'judge',
  label: '◈ JUDG3',
  of: `the gate of ${of(card)}`,
  run: () => api.POST('/api/v1/tickets/{id}/validate-gate', at(card.id)),
});

export const deleteTicket = (card: TicketCard, then?: () => void): Action => ({
  id: 'delete-ticket',
  label: '✗ D3L3T3',
  of: of(card),
  weight: 'danger',
  confirm: {
    title: `Delete ticket ${card.id}?`,
    text: 'Its open tasks are cancelled, and it goes with its tasks, artifacts and history. This cannot be undone.',
    yes: `Delete ticket ${card.id} for good`,
    no: `Keep ticket ${card.id}`,
  },
  run: async () => {
    await api.DELETE('/api/v1/tickets/{id}', at(card.id));
    then?.();
  },
});

/** Everything that can be done with a ticket, the most used first, what destroys last. */
export function actionsOf(card: TicketCard, at: () => HTMLElement | null, gone?: () => void): Action[] {
  if (card.done_at != null) return [comment(card), deleteTicket(card, gone)];
  if (isNew(card)) return [approveTicket(card), reject(card), comment(card), deleteTicket(card, gone)];
  const move: Action = {
    id: 'move',
    label: '⇢ M0V3',
    of: of(card),
    key: 'move',
    run: async () => {
      const element = at();
      if (element === null) refusal.value = `Ticket ${card.id} is not shown any more.`;
      else openMoves(card, element);
    },
  };
  return [
    ...(needsYou(card) === null ? [] : [answerOrComment(card)]),
    move,
    comment(card),
    holdOrRelease(card),
    blockOrUnblock(card),
    setPriority(card),
    judge(card),
    sendBack(card),
    force(card),
    deleteTicket(card, gone),
  ];
}
