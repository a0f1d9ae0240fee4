import type { Handlers } from '../../stream/picture';
import type { Board } from './store';

export function eventsOf(board: Board): Handlers {
  return {
    ticket_changed: ({ ticket }) => board.put(ticket),
    ticket_removed: ({ id }) => board.remove(id),
    column_changed: ({ column }) => board.putColumn(column),
    task_changed: ({ task }) => board.putTask(task),
    task_removed: ({ id }) => board.removeTask(id),
    discovery_changed: ({ discovery }) => board.putDiscovery(discovery),
    gate_changed: ({ gate }) => board.putGate(gate),
    artifact_added: ({ artifact }) => board.addArtifact(artifact),
    review_changed: ({ review }) => board.putReview(review),
    thread_changed: ({ thread }) => board.putThread(thread),
    workflow_changed: ({ workflow }) => board.putWorkflow(workflow),
    workflow_removed: ({ name }) => board.removeWorkflow(name),
  };
}
