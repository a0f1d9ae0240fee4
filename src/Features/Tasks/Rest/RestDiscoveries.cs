using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks.Rest;

/// <summary>A discovery under the names of <c>/api/v1</c>, beside those that the sockets have.</summary>
/// <param name="Discovery">Its members as on the sockets.</param>
internal sealed record RestDiscovery([property: JsonIgnore] DiscoveryView Discovery) : DiscoveryView(Discovery)
{
    /// <summary>The ticket.</summary>
    public long TicketId => Ticket;

    /// <summary>The task in which it was found.</summary>
    public long SourceTaskId => SourceTask;

    /// <summary>The type.</summary>
    public string DiscoveryType => Type;

    /// <summary>The task that was made of it, or none.</summary>
    public IReadOnlyList<long> SpawnedTaskIds => Task is { } id ? [id] : [];

    /// <summary>When it was recorded.</summary>
    public DateTimeOffset DiscoveredAt => At;

    /// <summary>The status.</summary>
    public string ResolutionStatus => Status;
}

/// <summary>Lists discoveries, the newest first.</summary>
internal static class RestListDiscoveries
{
    internal sealed record Query(
        long? TicketId = null,
        long? TaskId = null,
        string? DiscoveryType = null,
        string? Status = null,
        int Limit = 50,
        long? Before = null
    ) : IRequest<IReadOnlyList<RestDiscovery>>;

    internal sealed class Handler(IMediator mediator) : IRequestHandler<Query, IReadOnlyList<RestDiscovery>>
    {
        public async Task<IReadOnlyList<RestDiscovery>> Handle(Query q, CancellationToken cancellationToken)
        {
            var query = new ListDiscoveries.Query(q.TicketId, q.TaskId, q.DiscoveryType, q.Status, q.Limit, q.Before);
            var answer = await mediator.Send(query, cancellationToken);
            return [.. answer.Discoveries.Select(discovery => new RestDiscovery(discovery))];
        }
    }
}

/// <summary>Records something that was found in a task.</summary>
internal static class RestRecordDiscovery
{
    internal sealed record Command(
        Caller Caller,
        [property: Description("The task in which it was found.")] long SourceTaskId,
        string DiscoveryType,
        string Description,
        bool PriorityBoost = false,
        [property: Description("Further figures, at most 16 KiB.")] JsonElement? Metadata = null,
        [property: Description("Any text of your own: a repeated call with the same key records nothing again.")]
            string? Key = null
    ) : IRequest<RestDiscovery>, ICreated;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.SourceTaskId).MustBeIdOf("task", "source_task_id");
            RuleFor(c => c.DiscoveryType).MustBeDiscoveryType("discovery_type");
            RuleFor(c => c.Description).MustBeDiscovery();
            RuleFor(c => c.Metadata).MustBeData("metadata");
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(IStore store, Discoveries discoveries, IdempotencyKeys keys)
        : IRequestHandler<Command, RestDiscovery>
    {
        public Task<RestDiscovery> Handle(Command c, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    var made = keys.Once(
                        write,
                        c.Caller.Name,
                        "record_discovery",
                        c.Key,
                        () =>
                            new RestBranchDiscovery.Made(
                                discoveries.Record(write, Source(), Found(), null, false, c.Caller).Discovery.Id
                            )
                    );
                    return new RestDiscovery(DiscoveryTable.Require(write.Db, made.Id).ToView());

                    TaskRow Source() => TaskTable.Require(write.Db, c.SourceTaskId);
                    Discoveries.Found Found() => new(c.DiscoveryType, c.Description, c.PriorityBoost, c.Metadata);
                },
                CancellationToken.None
            );
    }
}

/// <summary>Records something that was found in a task, and makes a task of it.</summary>
internal static class RestBranchDiscovery
{
    internal sealed record Command(
        Caller Caller,
        [property: Description("The task in which it was found.")] long SourceTaskId,
        string DiscoveryType,
        string Description,
        [property: Description("The phase of the new task; left out, that of the task in which it was found.")]
            string? SpawnPhaseId = null,
        [property: Description("What is to be done; left out, the description.")] string? SpawnDescription = null,
        [property: Description("The title of the new task; left out, the first line of what is to be done.")]
            string? SpawnTitle = null,
        [property: Description("CRITICAL, HIGH, MEDIUM or LOW; left out, that of the task in which it was found.")]
            string? SpawnPriority = null,
        IReadOnlyList<string>? Capabilities = null,
        string? AssignedAgentId = null,
        bool PriorityBoost = false,
        [property: Description("Further figures, at most 16 KiB.")] JsonElement? Metadata = null,
        [property: Description("Any text of your own: a repeated call with the same key records nothing again.")]
            string? Key = null
    ) : IRequest<Result>, ICreated;

    internal sealed record Result(RestDiscovery Discovery, RestTask Task);

    /// <summary>The answer that is kept for a repeated call.</summary>
    internal sealed record Made(long Id);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.SourceTaskId).MustBeIdOf("task", "source_task_id");
            RuleFor(c => c.DiscoveryType).MustBeDiscoveryType("discovery_type");
            RuleFor(c => c.Description).MustBeDiscovery();
            RuleFor(c => c.Metadata).MustBeData("metadata");
            RuleFor(c => c.Key).MustBeKey();
            RuleFor(c => c)
                .Custom(
                    (c, context) =>
                    {
                        if (TaskRules.Fault(Spawn(c).Spec(c.DiscoveryType, "")) is { } fault)
                            context.AddFailure($"the new task: {fault}");
                    }
                );
        }
    }

    internal sealed class Handler(IStore store, Discoveries discoveries, TaskChanges changes, IdempotencyKeys keys)
        : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command c, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    var id = keys.Once(write, c.Caller.Name, "branch_discovery", c.Key, () => Make(write, c)).Id;
                    var view = DiscoveryTable.Require(write.Db, id).ToView();
                    return new Result(
                        new RestDiscovery(view),
                        RestTask.Of(write.Db, TaskTable.Require(write.Db, view.Task!.Value), changes)
                    );
                },
                CancellationToken.None
            );

        private Made Make(IWrite write, Command c) =>
            new(
                discoveries
                    .Record(
                        write,
                        TaskTable.Require(write.Db, c.SourceTaskId),
                        new Discoveries.Found(c.DiscoveryType, c.Description, c.PriorityBoost, c.Metadata),
                        Spawn(c),
                        blocksSource: false,
                        c.Caller
                    )
                    .Discovery.Id
            );
    }

    private static DiscoverySpawn Spawn(Command c) =>
        new(
            c.SpawnTitle ?? RestCreateTask.FirstLine(c.SpawnDescription ?? c.Description) ?? c.DiscoveryType,
            c.SpawnDescription,
            PhaseId: c.SpawnPhaseId,
            Priority: c.SpawnPriority,
            Capabilities: c.Capabilities,
            Agent: c.AssignedAgentId
        );
}

/// <summary>Resolves a discovery by hand, or marks it invalid.</summary>
internal static class RestResolveDiscovery
{
    internal sealed record Command(
        Caller Caller,
        long Id,
        [property: Description("resolved, or invalid for one that does not matter.")]
            string Status = DiscoveryState.Resolved
    ) : IRequest<RestDiscovery>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Id).MustBeIdOf("discovery");
            RuleFor(c => c.Status).MustBeDiscoveryEnd();
        }
    }

    internal sealed class Handler(IMediator mediator) : IRequestHandler<Command, RestDiscovery>
    {
        public async Task<RestDiscovery> Handle(Command c, CancellationToken cancellationToken) =>
            new(
                (
                    await mediator.Send(new ResolveDiscovery.Command(c.Caller, c.Id, c.Status), cancellationToken)
                ).Discovery
            );
    }
}
