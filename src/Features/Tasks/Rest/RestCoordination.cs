using System.ComponentModel;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks.Rest;

/// <summary>Makes the tasks of the coordination routes, each once for a key.</summary>
internal sealed class RestJoins(
    IStore store,
    TaskMaking making,
    ITickets tickets,
    TaskChanges changes,
    IdempotencyKeys keys
)
{
    /// <summary>The answer that is kept for a repeated call.</summary>
    internal sealed record Made(IReadOnlyList<long> Ids);

    /// <summary>Makes tasks in one write.</summary>
    public Task<IReadOnlyList<RestTask>> Make(
        (Caller Caller, string Command, string? Key) call,
        long ticket,
        Func<IWrite, IReadOnlyList<TaskSpec>> specs,
        Func<Caller, TaskMaking.Origin> origin
    ) =>
        store.Write<IReadOnlyList<RestTask>>(
            write =>
            {
                var made = keys.Once(
                    write,
                    call.Caller.Name,
                    call.Command,
                    call.Key,
                    () =>
                        new Made([
                            .. making
                                .AddGiven(
                                    write,
                                    tickets.Require(write.Db, ticket),
                                    specs(write),
                                    _ => origin(call.Caller),
                                    TaskMaking.Place
                                )
                                .Select(row => row.Id),
                        ])
                );
                return [.. made.Ids.Select(id => RestTask.Of(write.Db, TaskTable.Require(write.Db, id), changes))];
            },
            CancellationToken.None
        );

    /// <summary>The edges to tasks.</summary>
    public static IReadOnlyList<JsonElement> On(IEnumerable<long>? ids) =>
        [.. (ids ?? []).Distinct().Select(id => JsonSerializer.SerializeToElement(id))];

    /// <summary>The phase of a task that goes on from others, when nobody names one.</summary>
    public string PhaseOf(IWrite write, long ticket, IReadOnlyList<long> ids) =>
        making.LatestPhase(write, tickets.Require(write.Db, ticket), ids);
}

/// <summary>The rules that the coordination routes share.</summary>
internal static class RestJoinRules
{
    public static void MustBeTicketId<T>(this IRuleBuilder<T, long> rule) => rule.MustBeIdOf("ticket", "ticket_id");

    public static void MustBeTaskIds<T>(this IRuleBuilder<T, IReadOnlyList<long>> rule) =>
        rule.Custom(
            (ids, context) =>
            {
                if (ids is not { Count: > 0 })
                    context.AddFailure("'task_ids' is empty; name the tasks");
                else if (ids.Any(id => id <= 0))
                    context.AddFailure("'task_ids' must be positive task ids");
                else if (Count(ids) > TaskMaking.MostEdges)
                    context.AddFailure(
                        $"'task_ids' names {Count(ids)} tasks; a task waits for at most {TaskMaking.MostEdges}"
                    );
            }
        );

    public static void MustFit<T>(this IRuleBuilder<T, TaskSpec> rule) =>
        rule.Custom(
            (spec, context) =>
            {
                if (TaskRules.Fault(spec) is { } fault)
                    context.AddFailure(fault);
            }
        );

    /// <summary>False for a quorum that is a number above that of the tasks.</summary>
    public static bool IsWithin(string? quorum, IReadOnlyList<long>? ids) =>
        !int.TryParse(quorum, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number <= Count(ids);

    /// <summary>The number of tasks; one that is named twice is taken once.</summary>
    public static int Count(IReadOnlyList<long>? ids) => ids?.Distinct().Count() ?? 0;

    /// <summary>A count of tasks as a quorum; null and 0 are all.</summary>
    public static string? Quorum(int? count) =>
        count is null or 0 ? null : count.Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Makes a barrier: completed when so many of the tasks are.</summary>
internal static class RestSync
{
    internal sealed record Command(
        Caller Caller,
        long TicketId,
        [property: Description("The tasks that it waits for.")] IReadOnlyList<long> TaskIds,
        [property: Description("How many of them are enough; left out or 0, all.")] int? RequiredCount = null,
        [property: Description("It fails after that time; left out, never.")] long? TimeoutSeconds = null,
        string? Title = null,
        string? PhaseId = null,
        [property: Description("Any text of your own: a repeated call with the same key makes nothing again.")]
            string? Key = null
    ) : IRequest<RestTask>, ICreated;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.TicketId).MustBeTicketId();
            RuleFor(c => c.TaskIds).MustBeTaskIds();
            RuleFor(c => c.RequiredCount)
                .Must((c, count) => count is null || (count >= 0 && count <= RestJoinRules.Count(c.TaskIds)))
                .WithMessage("'required_count' must be from 0, for all, to the number of tasks");
            RuleFor(c => Spec(c)).MustFit();
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(RestJoins joins) : IRequestHandler<Command, RestTask>
    {
        public async Task<RestTask> Handle(Command c, CancellationToken cancellationToken) =>
            (
                await joins.Make(
                    (c.Caller, "coordination_sync", c.Key),
                    c.TicketId,
                    _ => [Spec(c)],
                    caller => new TaskMaking.Origin(caller.Name, Kind: TaskKind.Barrier)
                )
            )[0];
    }

    private static TaskSpec Spec(Command c) =>
        new(
            TaskKind.Barrier,
            c.Title ?? "Wait for each other",
            PhaseId: c.PhaseId,
            DependsOn: RestJoins.On(c.TaskIds),
            Quorum: RestJoinRules.Quorum(c.RequiredCount),
            TimeoutSeconds: c.TimeoutSeconds
        );
}

/// <summary>Makes tasks that wait for one task and then go beside each other.</summary>
internal static class RestSplit
{
    internal sealed record Command(
        Caller Caller,
        long TicketId,
        [property: Description("The one task that they wait for.")] IReadOnlyList<long> TaskIds,
        IReadOnlyList<Target> TargetTasks,
        [property: Description("What the agent of each must be able to do.")]
            IReadOnlyList<string>? RequiredCapabilities = null,
        [property: Description("Any text of your own: a repeated call with the same key makes nothing again.")]
            string? Key = null
    ) : IRequest<IReadOnlyList<RestTask>>, ICreated;

    /// <param name="PhaseId">Its phase; null for that of the task that it waits for.</param>
    /// <param name="TaskType">Its type; null for <c>split_task</c>.</param>
    /// <param name="Description">What is to be done.</param>
    /// <param name="Priority">Its priority; null for that of the task that it waits for.</param>
    /// <param name="Title">Its title; null for the first line of the description.</param>
    internal sealed record Target(
        string? PhaseId = null,
        string? TaskType = null,
        string? Description = null,
        string? Priority = null,
        string? Title = null
    );

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.TicketId).MustBeTicketId();
            RuleFor(c => c.TaskIds).MustBeTaskIds();
            RuleFor(c => c.TaskIds)
                .Must(ids => RestJoinRules.Count(ids) <= 1)
                .WithMessage("'task_ids' names the one task that is split");
            RuleFor(c => c.TargetTasks)
                .Must(targets => targets is { Count: > 0 } && !targets.Contains(null!))
                .WithMessage("'target_tasks' is empty; name at least one task");
            RuleForEach(c => c.TargetTasks)
                .Custom(
                    (target, context) =>
                    {
                        if (target is not null && TaskRules.Fault(Spec(target, null, null)) is { } fault)
                            context.AddFailure(fault);
                    }
                );
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(RestJoins joins) : IRequestHandler<Command, IReadOnlyList<RestTask>>
    {
        public Task<IReadOnlyList<RestTask>> Handle(Command c, CancellationToken cancellationToken) =>
            joins.Make(
                (c.Caller, "coordination_split", c.Key),
                c.TicketId,
                write =>
                {
                    var source = TaskTable.Require(write.Db, c.TaskIds[0]);
                    return [.. c.TargetTasks.Select(target => Spec(target, source, c.RequiredCapabilities))];
                },
                caller => new TaskMaking.Origin(caller.Name)
            );
    }

    private static TaskSpec Spec(Target target, TaskRow? source, IReadOnlyList<string>? capabilities) =>
        new(
            target.TaskType ?? "split_task",
            target.Title ?? RestCreateTask.FirstLine(target.Description) ?? target.TaskType ?? "split_task",
            Description: target.Description,
            PhaseId: target.PhaseId ?? source?.PhaseId,
            Priority: target.Priority ?? (source is null ? null : Priorities.Word((int)source.Priority)),
            Capabilities: capabilities,
            DependsOn: source is null ? null : RestJoins.On([source.Id])
        );
}

/// <summary>Makes a task that goes on from several others.</summary>
internal static class RestJoin
{
    internal sealed record Command(
        Caller Caller,
        long TicketId,
        [property: Description("The tasks that it waits for.")] IReadOnlyList<long> TaskIds,
        [property: Description("The task that goes on from them.")] RestSplit.Target ContinuationTask,
        [property: Description("How many of them are enough: all, first, majority or a number.")]
        [property: JsonConverter(typeof(WordOrNumber))]
            string? MergeStrategy = null,
        [property: Description("Any text of your own: a repeated call with the same key makes nothing again.")]
            string? Key = null
    ) : IRequest<RestTask>, ICreated;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.TicketId).MustBeTicketId();
            RuleFor(c => c.TaskIds).MustBeTaskIds();
            RuleFor(c => c.MergeStrategy)
                .Must((c, word) => RestJoinRules.IsWithin(word, c.TaskIds))
                .WithMessage("'merge_strategy' counts more tasks than 'task_ids' names");
            RuleFor(c => c)
                .Custom(
                    (c, context) =>
                    {
                        if (c.ContinuationTask is null)
                            context.AddFailure("'continuation_task' is missing");
                        else if (TaskRules.Fault(Spec(c, null)) is { } fault)
                            context.AddFailure(fault.Replace("'quorum'", "'merge_strategy'", StringComparison.Ordinal));
                    }
                );
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(RestJoins joins) : IRequestHandler<Command, RestTask>
    {
        public async Task<RestTask> Handle(Command c, CancellationToken cancellationToken) =>
            (
                await joins.Make(
                    (c.Caller, "coordination_join", c.Key),
                    c.TicketId,
                    write =>
                        [
                            Spec(
                                c,
                                TaskTable.Require(write.Db, c.TaskIds[0]),
                                joins.PhaseOf(write, c.TicketId, c.TaskIds)
                            ),
                        ],
                    caller => new TaskMaking.Origin(caller.Name)
                )
            )[0];
    }

    private static TaskSpec Spec(Command c, TaskRow? first, string? phaseId = null) =>
        new(
            c.ContinuationTask.TaskType ?? "join_task",
            c.ContinuationTask.Title
                ?? RestCreateTask.FirstLine(c.ContinuationTask.Description)
                ?? c.ContinuationTask.TaskType
                ?? "join_task",
            Description: c.ContinuationTask.Description,
            PhaseId: c.ContinuationTask.PhaseId ?? phaseId,
            Priority: c.ContinuationTask.Priority ?? (first is null ? null : Priorities.Word((int)first.Priority)),
            DependsOn: RestJoins.On(c.TaskIds),
            Quorum: c.MergeStrategy
        );
}

/// <summary>Makes a merge: completed when so many of the tasks are, with their outputs in one.</summary>
internal static class RestMerge
{
    internal sealed record Command(
        Caller Caller,
        long TicketId,
        [property: Description("The tasks that it waits for; of a field that several have, the last one's counts.")]
            IReadOnlyList<long> TaskIds,
        [property: Description("combine and union: all fields; intersection: those that all have; custom: 'fields'.")]
            string MergeStrategy = "combine",
        [property: Description("With custom: the fields to take.")] IReadOnlyList<string>? Fields = null,
        [property: Description("How many of them are enough: all, first, majority or a number.")]
        [property: JsonConverter(typeof(WordOrNumber))]
            string? Quorum = null,
        [property: Description("It fails after that time; left out, never.")] long? TimeoutSeconds = null,
        string? Title = null,
        string? PhaseId = null,
        [property: Description("Any text of your own: a repeated call with the same key makes nothing again.")]
            string? Key = null
    ) : IRequest<RestTask>, ICreated;

    internal sealed class Validator : AbstractValidator<Command>
    {
        private const int MostFields = 50;

        public Validator()
        {
            RuleFor(c => c.TicketId).MustBeTicketId();
            RuleFor(c => c.TaskIds).MustBeTaskIds();
            RuleFor(c => c.MergeStrategy)
                .Must(Joins.Strategies.Contains)
                .WithMessage($"'merge_strategy' can be {string.Join(", ", Joins.Strategies)}");
            RuleFor(c => c.Fields)
                .Must((c, fields) => c.MergeStrategy == "custom" == fields is { Count: > 0 and <= MostFields })
                .WithMessage(
                    $"'fields' names what the strategy 'custom' takes, 1 to {MostFields}; give both or neither"
                );
            RuleForEach(c => c.Fields).NotEmpty().WithMessage("'fields' has an empty name");
            RuleForEach(c => c.Fields).MustBeText(200);
            RuleFor(c => c.Quorum)
                .Must((c, word) => RestJoinRules.IsWithin(word, c.TaskIds))
                .WithMessage("'quorum' counts more tasks than 'task_ids' names");
            RuleFor(c => Spec(c)).MustFit();
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(RestJoins joins) : IRequestHandler<Command, RestTask>
    {
        public async Task<RestTask> Handle(Command c, CancellationToken cancellationToken) =>
            (
                await joins.Make(
                    (c.Caller, "coordination_merge", c.Key),
                    c.TicketId,
                    _ => [Spec(c)],
                    caller => new TaskMaking.Origin(
                        caller.Name,
                        Kind: TaskKind.Merge,
                        MergeStrategy: c.MergeStrategy,
                        Fields: c.Fields
                    )
                )
            )[0];
    }

    private static TaskSpec Spec(Command c) =>
        new(
            TaskKind.Merge,
            c.Title ?? "Merge the results",
            PhaseId: c.PhaseId,
            DependsOn: RestJoins.On(c.TaskIds),
            Quorum: c.Quorum,
            TimeoutSeconds: c.TimeoutSeconds
        );
}

/// <summary>Makes the tasks of a pattern for a ticket, all or none.</summary>
internal static class RestApplyPattern
{
    internal sealed record Command(
        Caller Caller,
        string Name,
        long TicketId,
        [property: Description("A value for each parameter: a text, a number, an agent's name or a list of texts.")]
            IReadOnlyDictionary<string, JsonElement>? Values = null,
        [property: Description("Any text of your own: a repeated call with the same key makes nothing again.")]
            string? Key = null
    ) : IRequest<IReadOnlyList<RestTask>>, ICreated;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.TicketId).MustBeTicketId();
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(IMediator mediator, IStore store, TaskChanges changes)
        : IRequestHandler<Command, IReadOnlyList<RestTask>>
    {
        public async Task<IReadOnlyList<RestTask>> Handle(Command c, CancellationToken cancellationToken)
        {
            var answer = await mediator.Send(
                new ApplyPattern.Command(c.Caller, c.TicketId, c.Name, c.Values, c.Key),
                cancellationToken
            );
            return await store.Read<IReadOnlyList<RestTask>>(
                db => [.. answer.Tasks.Select(task => RestTask.Of(db, TaskTable.Require(db, task.Id), changes))],
                cancellationToken
            );
        }
    }
}
