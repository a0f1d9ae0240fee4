using System.Text.Json;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tasks;

/// <summary>Records what was found in tasks, and makes tasks of it, within limits that end every chain.</summary>
internal sealed class Discoveries(TaskChanges changes, TaskMaking making, RunEnds ends, ITickets tickets)
{
    /// <summary>The most discoveries of one ticket, without the invalid ones.</summary>
    public const int MostOfTicket = 50;

    /// <summary>How many discoveries may lead to a task, one in the task of another.</summary>
    public const int Deepest = 5;

    /// <summary>The most tasks that an agent's discoveries make in an hour.</summary>
    public const int MostAnHour = 60;

    private const long HourMs = 3_600_000;

    /// <summary>A discovery, and the task that was made of it.</summary>
    public sealed record Made(DiscoveryRow Discovery, TaskRow? Task);

    /// <summary>Something that was found.</summary>
    public sealed record Found(string Type, string Description, bool PriorityBoost, JsonElement? Data);

    /// <summary>Records a discovery, and makes the task that it asks for.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="source">The task in which it was found.</param>
    /// <param name="found">The discovery.</param>
    /// <param name="spawn">The task to be made; null for none.</param>
    /// <param name="blocksSource">The source waits for that task: its run ends, and it is pending again.</param>
    /// <param name="caller">Who found it.</param>
    /// <exception cref="Problem">A limit, or something is wrong with the task.</exception>
    public Made Record(
        IWrite write,
        TaskRow source,
        Found found,
        DiscoverySpawn? spawn,
        bool blocksSource,
        Caller caller
    )
    {
        var ticket = tickets.Require(write.Db, source.Ticket);
        if (DiscoveryTable.CountOf(write.Db, ticket.Id) >= MostOfTicket)
            throw Problem.Conflict(
                $"ticket {ticket.Id} has {MostOfTicket} discoveries, which is the limit; name this one in the "
                    + "summary of the task, or let the operator mark those invalid that do not matter"
            );
        if (spawn is not null)
            MustBranch(write, ticket, source, spawn, blocksSource, caller);
        var row = DiscoveryTable.Insert(
            write,
            new DiscoveryRow
            {
                Ticket = ticket.Id,
                SourceTask = source.Id,
                Type = found.Type,
                Description = found.Description,
                PriorityBoost = found.PriorityBoost,
                Data = found.Data?.GetRawText(),
                By = caller.Name,
                At = changes.Now,
            }
        );
        var task = spawn is null ? null : Branch(write, ticket, source, row, spawn, caller);
        DiscoveryTable.Publish(write, row.Id);
        if (task is not null && blocksSource)
            ends.WaitFor(
                write,
                making.DependBesides(write, source, task.Id),
                $"waits for task {task.Id}, which it discovered"
            );
        return new Made(
            DiscoveryTable.Require(write.Db, row.Id),
            task is null ? null : TaskTable.Require(write.Db, task.Id)
        );
    }

    private void MustBranch(
        IWrite write,
        TicketEntry ticket,
        TaskRow source,
        DiscoverySpawn spawn,
        bool blocksSource,
        Caller caller
    )
    {
        if (source.Depth >= Deepest)
            throw Problem.Conflict(
                $"{source.Depth} discoveries led to task {source.Id}, one in the task of another; the limit is "
                    + $"{Deepest}; record this one without 'spawn'"
            );
        // A held ticket goes on one day; the tasks of a block wait for one that may never come.
        var phase = spawn.PhaseId ?? source.PhaseId;
        if (
            blocksSource
            && (
                changes.OfTicket(ticket, phase).HasFlag(Hold.Phase)
                || (phase == Phase.BlockedId && ticket.Blocked is null)
            )
        )
            throw Problem.Conflict(
                $"a task of {phase} cannot begin while ticket {ticket.Id} is in "
                    + $"{ticket.PhaseId}, so that task {source.Id} would wait for ever; leave out 'blocks_me', or "
                    + "name an earlier phase"
            );
        if (caller.Kind == CallerKind.Operator)
            return;
        var made = DiscoveryTable.MadeBy(write.Db, caller.Name, changes.Now - HourMs);
        if (made.Count >= MostAnHour)
            throw Problem.Conflict(
                $"the discoveries of {caller.Name} have made {made.Count} tasks within an hour; the limit is "
                    + $"{MostAnHour}; record this one without 'spawn', or try again after "
                    + $"{TaskViews.Instant(made[^MostAnHour] + HourMs):u}"
            );
    }

    private TaskRow Branch(
        IWrite write,
        TicketEntry ticket,
        TaskRow source,
        DiscoveryRow discovery,
        DiscoverySpawn spawn,
        Caller caller
    )
    {
        var priority = Math.Min(source.Priority + (discovery.PriorityBoost ? 1 : 0), Priorities.Number("CRITICAL"));
        var spec = spawn.Spec(discovery) with
        {
            PhaseId = spawn.PhaseId ?? source.PhaseId,
            Priority = spawn.Priority ?? Priorities.Word((int)priority),
        };
        return making.AddGiven(
            write,
            ticket,
            [spec],
            _ => new TaskMaking.Origin(
                caller.Name,
                Parent: source.Id,
                Discovery: discovery.Id,
                Depth: source.Depth + 1
            ),
            _ => "spawn"
        )[0];
    }
}
