using System.Text.Json.Nodes;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Collaboration.Contracts;
using Hive.Features.Tasks.Contracts;
using Hive.Protocol;

namespace Hive.Features.Collaboration;

/// <summary>Asks agents to take tasks over, and ends what was asked: the guards of a handoff's states, in one place.
/// Each call is made inside a write.</summary>
internal sealed class Handoffs(
    Threads threads,
    ITasks tasks,
    ITaskRuns runs,
    IAgentTasks load,
    IRoster roster,
    CollaborationDeadlines deadlines
)
{
    private const string ThreadType = "handoff";

    // The longest subject of a thread, in characters.
    private const int SubjectLength = 200;

    /// <summary>Asks an agent to take over a running task: an agent its own, the operator any.</summary>
    public HandoffRow Request(IWrite write, Caller caller, NewHandoff spec)
    {
        var task = TaskOf(write, caller, spec);
        if (task.Kind != "work")
            throw Problem.Conflict($"task {task.Id} is a {task.Kind}; only work is handed off");
        if (spec.To == task.Agent)
            throw Problem.Conflict($"{spec.To} has task {task.Id} already");
        if (task.WantsAgent is { } only && caller.Kind != CallerKind.Operator)
            throw Problem.Conflict($"task {task.Id} is for {only} alone; ask the operator");
        MustFit(roster.Require(spec.To), task);
        roster.MustAllow(caller, spec.To);
        if (HandoffTable.OpenOf(write.Db, task.Id) is { } open)
            throw Problem.Conflict(
                $"task {task.Id} is offered to {open.ToAgent} since {Rows.Instant(open.AskedAt):u} with handoff "
                    + $"{open.Id}; withdraw that, or wait for its answer"
            );
        var now = threads.Now;
        var thread = threads.Store(
            write,
            new ThreadRow
            {
                Id = 0,
                Type = ThreadType,
                Ticket = task.Ticket,
                Task = task.Id,
                Subject = Cut($"Handoff of task {task.Id}: {task.Title}"),
                Participants = Rows.Json((string[])[task.Agent!, spec.To]),
                Status = ThreadStatus.Active,
                Data = Rows.Json(new { initiator = caller.Name, reason = spec.Reason }),
                CreatedBy = caller.Name,
                CreatedAt = now,
                LastAt = now,
                Posts = 0,
            }
        );
        var handoff = HandoffTable.Insert(
            write,
            new HandoffRow
            {
                Id = 0,
                Thread = thread.Id,
                Ticket = task.Ticket,
                Task = task.Id,
                FromAgent = task.Agent!,
                ToAgent = spec.To,
                Reason = spec.Reason,
                Context = spec.Context?.ToJsonString(WireJson.Options),
                Status = HandoffStatus.Requested,
                AskedAt = now,
                DeadlineAt = now + (long)CollaborationDeadlines.Answer.TotalMilliseconds,
            }
        );
        threads.Post(
            write,
            thread,
            caller.Name,
            new NewPost(spec.Reason, "handoff_request", spec.Refs, spec.To, spec.Context),
            post => PostBodies.Asked(handoff, task, post)
        );
        deadlines.Set(write, Due.Handoff, handoff.Id, CollaborationDeadlines.Answer);
        write.Raise(new HandoffChanged(handoff.ToView()));
        return handoff;
    }

    /// <summary>Takes a task over: the run before ends, the invited agent has one of its own.</summary>
    public HandoffRow Accept(IWrite write, Caller caller, HandoffRow handoff, NewPost? said)
    {
        MustBeInvited(caller, handoff);
        var (task, invited) = (tasks.Require(write.Db, handoff.Task), roster.Require(handoff.ToAgent));
        MustFit(invited, task);
        if (!invited.MayReceive)
            throw Problem.Conflict($"{invited.Name} is paused or held, and begins nothing now; try again after that");
        // It said yes, so it may have one more than its capacity; not more and more of them.
        if (load.Of(invited.Name) is var has && has > invited.Capacity)
            throw Problem.Conflict(
                $"{invited.Name} has {has} tasks; the limit is its capacity of {invited.Capacity} and one more; end "
                    + "one first"
            );
        var text = said?.Text ?? $"{invited.Name} takes task {task.Id} over.";
        // The brief of the new run tells of the handoff, so that is stored first.
        var accepted = End(
            write,
            handoff,
            HandoffStatus.Accepted,
            caller.Name,
            new NewPost(text, "", said?.Refs ?? [])
        );
        runs.Reassign(write, task.Id, invited.Name, $"handed to {invited.Name}: {handoff.Reason}");
        return accepted;
    }

    /// <summary>Leaves a task with the agent that has it.</summary>
    public HandoffRow Decline(IWrite write, Caller caller, HandoffRow handoff, NewPost? said)
    {
        MustBeInvited(caller, handoff);
        return End(
            write,
            handoff,
            HandoffStatus.Declined,
            caller.Name,
            said ?? new NewPost($"{handoff.ToAgent} does not take task {handoff.Task} over.", "", [])
        );
    }

    /// <summary>Takes the request back.</summary>
    public HandoffRow Withdraw(IWrite write, Caller caller, HandoffRow handoff, NewPost? said)
    {
        var asker = ThreadTable.Require(write.Db, handoff.Thread).CreatedBy;
        if (caller.Kind != CallerKind.Operator && caller.Name != asker)
            throw Problem.Forbidden(
                $"{asker} has asked for handoff {handoff.Id}, and only it withdraws that; "
                    + (caller.Name == handoff.FromAgent ? $"object in thread {handoff.Thread}" : "decline it instead")
            );
        MustBeOpen(handoff);
        return End(
            write,
            handoff,
            HandoffStatus.Withdrawn,
            caller.Name,
            said ?? new NewPost($"{caller.Name} has withdrawn it.", "", [])
        );
    }

    /// <summary>Ends an open handoff that nobody answers any more.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="handoff">The handoff.</param>
    /// <param name="status">The state that it gets.</param>
    /// <param name="reason">Why, in words.</param>
    public void EndByHost(IWrite write, HandoffRow handoff, string status, string reason) =>
        End(write, handoff, status, Principals.System, new NewPost(reason, "", []));

    private HandoffRow End(IWrite write, HandoffRow handoff, string status, string author, NewPost said)
    {
        var kind = $"handoff_{status}";
        var ended = HandoffTable.Decide(write, handoff, status, threads.Now);
        var title = tasks.Require(write.Db, handoff.Task).Title;
        var thread = ThreadTable.Require(write.Db, handoff.Thread);
        // An author is never told of its own act. The agent whose run has ended knows that.
        var isFor =
            status == HandoffStatus.Withdrawn && author == Principals.System
                ? name => name != handoff.FromAgent
                : (Func<string, bool>?)null;
        threads.Post(
            write,
            thread,
            author,
            said with
            {
                Type = kind,
            },
            post => PostBodies.Event(kind, ended, title, post),
            isFor,
            ThreadStatus.Resolved
        );
        deadlines.Remove(write, Due.Handoff, handoff.Id);
        write.Raise(new HandoffChanged(ended.ToView()));
        return ended;
    }

    private TaskEntry TaskOf(IWrite write, Caller caller, NewHandoff spec)
    {
        if (caller.Kind != CallerKind.Operator)
            return runs.Begin(write, caller, spec.Task, spec.Run);
        var task = tasks.Require(
            write.Db,
            spec.Task ?? throw Problem.Invalid("name the 'task' that is to be handed off")
        );
        if (task.Status != "running")
            throw Problem.Conflict($"task {task.Id} is {task.Status}; only a running task is handed off");
        return spec.Run is { } run && run != task.Run
            ? throw Problem.Conflict($"run {run} of task {task.Id} has ended; its run is {task.Run} now")
            : task;
    }

    private static void MustBeInvited(Caller caller, HandoffRow handoff)
    {
        if (caller.Kind != CallerKind.Operator && caller.Name != handoff.ToAgent)
            throw Problem.Forbidden($"{handoff.ToAgent} is invited by handoff {handoff.Id}; only it answers");
        MustBeOpen(handoff);
    }

    private static void MustBeOpen(HandoffRow handoff)
    {
        if (!handoff.IsOpen)
            throw Problem.Conflict(
                $"handoff {handoff.Id} was {handoff.Status} at {Rows.Instant(handoff.DecidedAt):u}; that is final"
            );
    }

    private static void MustFit(AgentEntry agent, TaskEntry task)
    {
        string[] lacking = [.. task.Capabilities.Except(agent.Work.Capabilities)];
        if (agent.Duty != Duty.Worker)
            throw Problem.Conflict($"{agent.Name} is not a worker; hand task {task.Id} to an agent with that duty");
        if (lacking.Length > 0)
            throw Problem.Conflict(
                $"{agent.Name} cannot do task {task.Id}: it lacks {string.Join(", ", lacking)}; name another agent"
            );
        if (!agent.Work.Takes(task.PhaseId))
            throw Problem.Conflict($"{agent.Name} takes no tasks of {task.PhaseId}; name another agent");
    }

    private static string Cut(string text)
    {
        if (text.Length <= SubjectLength)
            return text;
        var end = SubjectLength - 1;
        return $"{text.AsSpan(0, char.IsHighSurrogate(text[end - 1]) ? end - 1 : end)}…";
    }
}

/// <summary>A handoff to be asked for.</summary>
/// <param name="Task">The task; null for the only one that the caller has.</param>
/// <param name="Run">The run that the caller means; null for the current one.</param>
/// <param name="To">The agent that is invited.</param>
/// <param name="Reason">Why.</param>
/// <param name="Refs">The file references in the reason, scanned before the write.</param>
/// <param name="Context">What the asker hands on.</param>
internal sealed record NewHandoff(
    long? Task,
    long? Run,
    string To,
    string Reason,
    IReadOnlyList<string> Refs,
    JsonObject? Context
);
