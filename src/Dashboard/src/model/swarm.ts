import { batch, computed, signal } from '@preact/signals';
import type { Agent, Approval, Forge, HiveEvent, History, Message, MessageEventKind, MetaInput, Question, Reminder, Snapshot, Tombstone, Transient, Turn } from '../api/types';
import { parseCursor } from '../stream/cursor';
import { byResolution, DECIDED } from './approvals';
import { backedOffUntil, emptyFlow, type Flow, newestPage, olderPage, trimmed, withMessage } from './flow';
import { looseEnds } from './loose';
import { byAnswer, forOperator, HISTORY } from './questions';
import { byDue, failed } from './reminders';
import { Table } from './table';

const INBOX_ROWS = 50;
const PARKED_ROWS = 200;
const TURN_ROWS = 200;

/** All that the page knows of the swarm: one snapshot, then events. Every row is whole, so an event applied twice changes nothing. */
export class Swarm {
  readonly loaded = signal(false);
  readonly host = signal('');
  readonly hiveVersion = signal('');
  readonly agents = signal<ReadonlyMap<string, Agent>>(new Map());
  readonly transients = signal<ReadonlyMap<string, Transient>>(new Map());
  readonly tombstones = signal<readonly Tombstone[]>([]);
  readonly metaInputs = signal<readonly MetaInput[]>([]);
  /** Null until the first snapshot, and from a host that knows no forge. */
  readonly forge = signal<Forge | null>(null);
  readonly parked = signal<readonly Message[]>([]);
  /** Messages that failed and come again by themselves, as far as the page has seen them; the newest first. */
  readonly backedOff = signal<readonly Message[]>([]);
  readonly inbox = signal<readonly Message[]>([]);
  readonly inboxUnread = signal(0);
  readonly flow = signal<Flow>(emptyFlow);
  readonly flowLoaded = signal(false);
  /** The log follows its newest line; while it does, its oldest ones may go. */
  readonly following = signal(true);
  readonly unseen = signal(0);
  /** The newest turns that ended while the page was looking, the latest first; those before are fetched by who shows them. */
  readonly turns = signal<readonly Turn[]>([]);

  readonly #reminders = new Table<Reminder>();
  readonly #questions = new Table<Question>();
  /** The next one due first. */
  readonly reminders = computed(() => this.#reminders.all.toSorted(byDue));
  readonly failedReminders = computed(() => this.#reminders.all.reduce((sum, reminder) => sum + Number(failed(reminder)), 0));
  /** The pending ones, oldest first. */
  readonly questions = computed(() => this.#questions.all.toSorted((a, b) => a.id - b.id));
  /** The newest of the answered ones, the latest answer first. */
  readonly answered = signal<readonly Question[]>([]);
  readonly #approvals = new Table<Approval>();
  /** Those that wait for the operator or are under way, oldest first. */
  readonly approvals = computed(() => this.#approvals.all.toSorted((a, b) => a.id - b.id));
  /** The newest of those that have come to their end, the latest first. */
  readonly decided = signal<readonly Approval[]>([]);
  readonly pendingApprovals = computed(() => this.approvals.value.filter(({ status }) => status === 'pending').length);
  readonly looseEnds = computed(() => looseEnds(this.questions.value, this.reminders.value, this.approvals.value));
  readonly operatorQuestions = computed(() => this.questions.value.filter(forOperator).length);

  /** What waits for the operator. */
  readonly waiting = computed(() => this.inboxUnread.value + this.parked.value.length + this.operatorQuestions.value + this.pendingApprovals.value);
  readonly names = computed(() => [...this.agents.value.keys()].sort());

  #epoch = '';
  #seq = -1;
  /** While pages are on their way: what happened to messages meanwhile, to be laid over answers that are older than it. */
  #underWay = 0;
  #meanwhile = new Map<number, { kind: MessageEventKind; message: Message; sent: boolean }>();

  /** Where the stream has to go on. */
  get cursor(): string {
    return `${this.#epoch}-${this.#seq}`;
  }

  applySnapshot(snapshot: Snapshot): void {
    const at = parseCursor(snapshot.cursor);
    this.#epoch = at?.epoch ?? '';
    this.#seq = at?.seq ?? -1;
    batch(() => {
      this.host.value = snapshot.host;
      this.hiveVersion.value = snapshot.hive_version;
      this.agents.value = new Map(snapshot.agents.map((agent) => [agent.name, agent]));
      this.transients.value = new Map(snapshot.transients.map((transient) => [transient.name, transient]));
      this.tombstones.value = snapshot.tombstones;
      this.#approvals.replace(snapshot.approvals);
      this.decided.value = snapshot.approval_history.toSorted(byResolution).slice(0, DECIDED);
      this.metaInputs.value = snapshot.meta_inputs;
      this.forge.value = snapshot.forge ?? null;
      this.parked.value = [...snapshot.parked].sort((a, b) => b.id - a.id);
      this.backedOff.value = [];
      this.inbox.value = [...snapshot.inbox].sort((a, b) => b.id - a.id).slice(0, INBOX_ROWS);
      this.inboxUnread.value = snapshot.inbox_unread;
      this.#reminders.replace(snapshot.reminders);
      this.#questions.replace(snapshot.questions);
      this.answered.value = snapshot.question_history.toSorted(byAnswer).slice(0, HISTORY);
      this.loaded.value = true;
    });
  }

  /** Applies an event and says whether it was new to the page. */
  apply(id: string, event: HiveEvent): boolean {
    const at = parseCursor(id);
    if (at === null || at.epoch !== this.#epoch || at.seq <= this.#seq) return false;
    this.#seq = at.seq;
    switch (event.kind) {
      case 'sent':
      case 'delivered':
      case 'acked':
      case 'requeued':
      case 'parked':
      case 'dropped':
        this.#message(event.kind, event.message);
        break;
      case 'reminder_changed':
        this.#reminders.put(event.reminder);
        break;
      case 'reminder_removed':
        this.#reminders.remove(event.id);
        break;
      case 'question_added':
        this.#questions.put(event.question);
        break;
      case 'question_resolved':
        this.#resolved(event.question);
        break;
      case 'container_state_changed':
        this.agents.value = new Map(this.agents.value).set(event.container.name, event.container);
        break;
      case 'container_removed':
        this.agents.value = without(this.agents.value, event.name);
        this.transients.value = without(this.transients.value, event.name);
        break;
      case 'transient_set':
        this.transients.value = new Map(this.transients.value).set(event.transient.name, event.transient);
        break;
      case 'transient_cleared':
        this.transients.value = without(this.transients.value, event.name);
        break;
      case 'tombstones_changed':
        this.tombstones.value = event.tombstones;
        break;
      case 'approval_added':
      case 'approval_changed':
        this.#approvals.put(event.approval);
        break;
      case 'approval_resolved':
        this.#decided(event.approval);
        break;
      case 'meta_inputs_changed':
        this.metaInputs.value = event.meta_inputs;
        break;
      case 'turn_ended':
        this.turns.value = [event.turn, ...this.turns.value.filter(({ id }) => id !== event.turn.id)].slice(0, TURN_ROWS);
        break;
      case 'forge_changed':
        this.forge.value = event.forge;
        break;
    }
    return true;
  }

  /** Fetches the newest page of the log (older = false) or the one before its first row, and puts it in place. */
  async page(older: boolean, fetchPage: (before: number | null) => Promise<History>): Promise<void> {
    const before = older ? (this.flow.value.rows[0]?.message.id ?? null) : null;
    this.#underWay++;
    try {
      const history = await fetchPage(before);
      // The log was begun anew meanwhile: this page would leave a hole before it.
      if (older && this.flow.value.rows[0]?.message.id !== before) return;
      let flow = older ? olderPage(this.flow.value, history) : newestPage(history);
      for (const { kind, message, sent } of this.#meanwhile.values()) {
        // Replaced rows that the answer already had are no harm: what comes after them is laid over in turn.
        if (sent) flow = withMessage(flow, 'sent', message);
        flow = withMessage(flow, kind, message);
      }
      batch(() => {
        this.flow.value = flow;
        for (const row of flow.rows) this.#backOff(row.message, row.dropped);
        this.flowLoaded.value = true;
        if (!older) this.unseen.value = 0;
      });
    } finally {
      if (--this.#underWay === 0) this.#meanwhile.clear();
    }
  }

  #resolved(question: Question): void {
    const others = this.answered.value.filter(({ id }) => id !== question.id);
    // At no moment is it in neither list: what is written of an answer to it would be let go.
    batch(() => {
      this.#questions.remove(question.id);
      this.answered.value = [question, ...others].sort(byAnswer).slice(0, HISTORY);
    });
  }

  #decided(approval: Approval): void {
    batch(() => {
      this.#approvals.remove(approval.id);
      this.decided.value = [approval, ...this.decided.value.filter(({ id }) => id !== approval.id)].sort(byResolution).slice(0, DECIDED);
    });
  }

  #message(kind: MessageEventKind, message: Message): void {
    if (this.#underWay > 0) {
      const before = this.#meanwhile.get(message.id);
      this.#meanwhile.set(message.id, { kind, message, sent: kind === 'sent' || before?.sent === true });
    }
    if (this.flowLoaded.value) {
      const flow = withMessage(this.flow.value, kind, message);
      if (kind === 'sent' && !(this.following.value && flow.atHead)) this.unseen.value++;
      this.flow.value = trimmed(flow, this.following.value);
    }

    const others = this.parked.value.filter((m) => m.id !== message.id);
    const isParked = message.parked_at != null && message.acked_at == null && kind !== 'dropped';
    if (isParked) this.parked.value = [message, ...others].sort((a, b) => b.id - a.id).slice(0, PARKED_ROWS);
    else if (others.length !== this.parked.value.length) this.parked.value = others;

    this.#backOff(message, kind === 'dropped');
    if (message.to === 'operator') this.#inbox(kind, message);
  }

  #backOff(message: Message, dropped: boolean): void {
    const others = this.backedOff.value.filter(({ id }) => id !== message.id);
    if (backedOffUntil({ message, dropped }) !== null)
      this.backedOff.value = [message, ...others].sort((a, b) => b.id - a.id).slice(0, PARKED_ROWS);
    else if (others.length !== this.backedOff.value.length) this.backedOff.value = others;
  }

  #inbox(kind: MessageEventKind, message: Message): void {
    const shown = this.inbox.value;
    const known = shown.find((m) => m.id === message.id);
    if (kind === 'sent' && known === undefined) this.inboxUnread.value++;
    const settled = kind === 'acked' || kind === 'dropped';
    if (settled && known?.acked_at == null) this.inboxUnread.value = Math.max(0, this.inboxUnread.value - 1);
    if (kind === 'dropped') this.inbox.value = shown.filter((m) => m.id !== message.id);
    else if (known !== undefined) this.inbox.value = shown.map((m) => (m.id === message.id ? message : m));
    else if (kind === 'sent') this.inbox.value = [message, ...shown].sort((a, b) => b.id - a.id).slice(0, INBOX_ROWS);
  }
}

function without<T>(map: ReadonlyMap<string, T>, name: string): ReadonlyMap<string, T> {
  if (!map.has(name)) return map;
  const rest = new Map(map);
  rest.delete(name);
  return rest;
}
