using System.Data.Common;
using System.Text.Json.Nodes;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Collaboration.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;

namespace Hive.Features.Collaboration;

/// <summary>Opens threads, posts to them and ends them: the guards of their states, in one place. Each call is made
/// inside a write.</summary>
internal sealed class Threads(
    IOutbox outbox,
    IRoster roster,
    ITickets tickets,
    ITasks tasks,
    ITaskRuns runs,
    CollaborationDeadlines deadlines,
    TimeProvider clock
)
{
    /// <summary>The most participants of a thread.</summary>
    public const int MostParticipants = 16;

    /// <summary>The most active threads that one agent has opened.</summary>
    public const int MostActive = 100;

    /// <summary>The present, in ms since 1970.</summary>
    public long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>The thread, for somebody who may read it: its participants and the operator.</summary>
    public static ThreadRow Require(DbConnection db, Caller caller, long id)
    {
        var thread = ThreadTable.Require(db, id);
        if (caller.Kind != CallerKind.Operator && !thread.Members.Contains(caller.Name))
            throw Problem.Forbidden(
                $"{caller.Name} is not in thread {id}; its participants read and post: "
                    + string.Join(", ", thread.Members)
            );
        return thread;
    }

    /// <summary>Opens a thread. An agent that opens one is in it; the operator is in those that he posts to.</summary>
    public ThreadRow Open(IWrite write, Caller caller, NewThread spec)
    {
        string[] others = [.. spec.Participants.Where(name => name != caller.Name).Distinct()];
        string[] members =
            caller.Kind == CallerKind.Operator ? [.. spec.Participants.Distinct()] : [caller.Name, .. others];
        if (others.Length == 0)
            throw Problem.Invalid("'participants' names nobody else; name those who are to read it");
        if (members.Length > MostParticipants)
            throw Problem.Invalid(
                $"the thread would have {members.Length} participants; the limit is {MostParticipants}; leave some out"
            );
        foreach (var name in others)
        {
            roster.MustAllow(caller, name);
            if (name != Principals.Operator && !roster.Require(name).TakesTasks)
                throw Problem.Conflict(
                    $"{name} has no tool 'thread', because it is neither a worker nor a validator; write to it with "
                        + "'send'"
                );
        }

        var ticket = TicketOf(write.Db, caller, spec);
        if (
            caller.Kind != CallerKind.Operator
            && ThreadTable.CountActive(write.Db, caller.Name) is var active and >= MostActive
        )
            throw Problem.Conflict(
                $"{caller.Name} has opened {active} threads that are still active; the limit is {MostActive}; close "
                    + "some"
            );
        var thread = Store(
            write,
            new ThreadRow
            {
                Id = 0,
                Type = spec.Type,
                Ticket = ticket,
                Task = spec.Task,
                Subject = spec.Subject,
                Participants = Rows.Json(members),
                Status = ThreadStatus.Active,
                Data = spec.Data?.ToJsonString(WireJson.Options),
                CreatedBy = caller.Name,
                CreatedAt = Now,
                LastAt = Now,
                Posts = 0,
            }
        );
        Told(write, thread);
        return thread;
    }

    /// <summary>Stores a new thread; its first post publishes it.</summary>
    public ThreadRow Store(IWrite write, ThreadRow row)
    {
        var thread = ThreadTable.Insert(write, row);
        deadlines.Set(write, Due.Thread, thread.Id, CollaborationDeadlines.Silence);
        return thread;
    }

    /// <summary>Posts what somebody says. The operator joins by posting. Any participant may: those who put the thread
    /// together were asked for its members when they opened it.</summary>
    public PostRow Say(IWrite write, Caller caller, ThreadRow thread, NewPost post)
    {
        if (!thread.IsActive)
            throw Problem.Conflict(
                $"thread {thread.Id} was {thread.Status} at {Rows.Instant(thread.ClosedAt):u}; open another one"
            );
        if (post.ToAgent is { } to && !thread.Members.Contains(to))
            throw Problem.Invalid(
                $"'{to}' is not in thread {thread.Id}; its participants are {string.Join(", ", thread.Members)}"
            );
        return Post(write, thread, caller.Name, post);
    }

    /// <summary>Stores a post and sends its message to each other participant.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="thread">The thread, which is active.</param>
    /// <param name="author">Who says it; <c>system</c> for the host.</param>
    /// <param name="post">The text.</param>
    /// <param name="body">The message to an agent; null for that of any post.</param>
    /// <param name="isFor">Whether a participant gets it; null for all.</param>
    /// <param name="ends">The state that the thread ends in with this post; null for none.</param>
    public PostRow Post(
        IWrite write,
        ThreadRow thread,
        string author,
        NewPost post,
        Func<PostRow, string>? body = null,
        Func<string, bool>? isFor = null,
        string? ends = null
    )
    {
        if (author == Principals.Operator && !thread.Members.Contains(author))
            thread = thread with { Participants = Rows.Json(thread.Members.Append(author)) };
        // A post that ends the thread is its last.
        var isFree = ends is not null || author is Principals.Operator or Principals.System;
        foreach (var name in isFree ? [] : Readers(thread, author, isFor))
            outbox.MustTake(name, author, post.Text);
        var row = ThreadTable.Insert(
            write,
            new PostRow
            {
                Id = 0,
                Thread = thread.Id,
                Author = author,
                Type = post.Type,
                Body = post.Text,
                Refs = Rows.Json(post.Refs),
                ToAgent = post.ToAgent,
                Data = post.Data?.ToJsonString(WireJson.Options),
                At = Now,
            }
        );
        foreach (var name in Readers(thread, author, isFor))
        {
            var message =
                name == Principals.Operator
                    ? outbox.Append(write, author, name, PostBodies.Plain(thread, row), post.Refs)
                    : outbox.Append(
                        write,
                        Principals.System,
                        name,
                        body?.Invoke(row) ?? PostBodies.Event(thread, row),
                        post.Refs,
                        cause: author is Principals.Operator or Principals.System ? null : author
                    );
            if (message is { } id)
                ThreadTable.Insert(write, id, row.Id, name);
        }

        thread = thread with { LastAt = Now };
        if (ends is not null)
        {
            End(write, thread, ends);
            return row;
        }

        deadlines.Set(write, Due.Thread, thread.Id, CollaborationDeadlines.Silence);
        Told(write, ThreadTable.Update(write, thread));
        return row;
    }

    private static IEnumerable<string> Readers(ThreadRow thread, string author, Func<string, bool>? isFor) =>
        thread.Members.Where(name => name != author && isFor?.Invoke(name) != false);

    /// <summary>Ends a thread; a second end is refused.</summary>
    public ThreadRow Close(IWrite write, ThreadRow thread, string status)
    {
        if (!thread.IsActive)
            throw Problem.Conflict($"thread {thread.Id} was {thread.Status} at {Rows.Instant(thread.ClosedAt):u}");
        if (HandoffTable.OfThread(write.Db, thread.Id) is { IsOpen: true } handoff)
            throw Problem.Conflict(
                $"thread {thread.Id} ends with handoff {handoff.Id}; accept, decline or withdraw that"
            );
        return End(write, thread, status);
    }

    /// <summary>Ends an active thread.</summary>
    public ThreadRow End(IWrite write, ThreadRow thread, string status)
    {
        var ended = ThreadTable.Update(write, thread with { Status = status, ClosedAt = Now });
        deadlines.Remove(write, Due.Thread, thread.Id);
        Told(write, ended);
        return ended;
    }

    /// <summary>Publishes a thread as it is now.</summary>
    public static void Told(IWrite write, ThreadRow thread) =>
        write.Raise(new ThreadChanged(ThreadTable.View(write.Db, thread)));

    private long? TicketOf(DbConnection db, Caller caller, NewThread spec)
    {
        var ticket = spec.Task is { } task ? tasks.Require(db, task).Ticket : spec.Ticket;
        if (ticket is not { } id)
            return null;
        tickets.Require(db, id);
        if (spec.Ticket is { } given && given != id)
            throw Problem.Invalid($"task {spec.Task} is of ticket {id}; leave the ticket out");
        if (caller.Kind != CallerKind.Operator && !runs.HasWorkedOn(db, caller.Name, id))
            throw Problem.Forbidden(
                $"{caller.Name} has no task on ticket {id}; a worker opens threads about the tickets that it works on"
            );
        return id;
    }
}

/// <summary>A thread to be opened.</summary>
internal sealed record NewThread(
    string Type,
    string Subject,
    IReadOnlyList<string> Participants,
    long? Ticket = null,
    long? Task = null,
    JsonObject? Data = null
);

/// <summary>A text to be posted.</summary>
/// <param name="Text">The text.</param>
/// <param name="Type">Its kind.</param>
/// <param name="Refs">The file references in the text, scanned before the write.</param>
/// <param name="ToAgent">The participant that it is addressed to.</param>
/// <param name="Data">What its author keeps with it.</param>
internal sealed record NewPost(
    string Text,
    string Type,
    IReadOnlyList<string> Refs,
    string? ToAgent = null,
    JsonObject? Data = null
);
