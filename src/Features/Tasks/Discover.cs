using System.ComponentModel;
using System.Text;
using System.Text.Json;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks;

/// <summary>A task that is made of a discovery.</summary>
/// <param name="Title">Its title.</param>
/// <param name="Description">What is to be done; null for the discovery's description.</param>
/// <param name="TaskType">Its type; null for <c>discovery_&lt;type&gt;</c>.</param>
/// <param name="PhaseId">Its phase, any one of the ticket's; null for that of the task in which it was found.</param>
/// <param name="Priority">Its priority; null for that of the task in which it was found.</param>
/// <param name="Capabilities">What its agent must be able to do.</param>
/// <param name="Agent">The only agent that may have it.</param>
/// <param name="TimeoutSeconds">How long one run may take.</param>
internal sealed record DiscoverySpawn(
    string Title,
    string? Description = null,
    string? TaskType = null,
    string? PhaseId = null,
    string? Priority = null,
    IReadOnlyList<string>? Capabilities = null,
    string? Agent = null,
    long? TimeoutSeconds = null
)
{
    /// <summary>The task to be made.</summary>
    public TaskSpec Spec(DiscoveryRow discovery) => Spec(discovery.Type, discovery.Description);

    /// <summary>The task to be made.</summary>
    public TaskSpec Spec(string type, string description) =>
        new(
            TaskType ?? $"discovery_{type}",
            Title,
            Description: Description ?? description,
            PhaseId: PhaseId,
            Priority: Priority,
            Capabilities: Capabilities,
            Agent: Agent,
            TimeoutSeconds: TimeoutSeconds
        );
}

/// <summary>Records what an agent found in its task and does not belong to it, and makes a task of it.</summary>
internal static class Discover
{
    internal sealed record Command(
        Caller Caller,
        [property: Description(
            "bug, optimization, clarification_needed, new_component, security_issue, performance_issue, "
                + "missing_requirement, integration_issue or technical_debt."
        )]
            string Type,
        [property: Description("What you found, at most 4096 bytes.")] string Description,
        [property: Description("The task in which you found it; left out, the only one that you have.")]
            long? Task = null,
        [property: Description(
            "Makes a task of it, in any phase of the ticket: 'title', and what the task needs. Without it, the "
                + "discovery is only recorded."
        )]
            DiscoverySpawn? Spawn = null,
        [property: Description("The new task gets a priority one above that of yours, unless it names one.")]
            bool PriorityBoost = false,
        [property: Description(
            "You cannot go on before the new task is done: yours waits for it, and is given again then. Your run has "
                + "ended; stop working on it."
        )]
            bool BlocksMe = false,
        [property: Description("Further figures as JSON, at most 16 KiB.")] JsonElement? Data = null,
        [property: Description("The run that task_assigned named; a call about an ended run is refused.")]
            long? Run = null,
        [property: Description("Any text of your own: a repeated call with the same key gets the first one's answer.")]
            string? Key = null
    ) : IRequest<Result>;

    internal sealed record Result(DiscoveryView Discovery, TaskView? Task = null);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Type).MustBeDiscoveryType("type");
            RuleFor(c => c.Description).MustBeDiscovery();
            RuleFor(c => c.Task).MustBeTaskId();
            RuleFor(c => c.Run).MustBeTaskId("run");
            RuleFor(c => c.Data).MustBeData("data");
            RuleFor(c => c.BlocksMe)
                .Must((c, blocks) => !blocks || c.Spawn is not null)
                .WithMessage("'blocks_me' needs 'spawn', the task that yours waits for");
            RuleFor(c => c)
                .Custom(
                    (c, context) =>
                    {
                        if (c.Spawn is not null && TaskRules.Fault(c.Spawn.Spec(c.Type, "")) is { } fault)
                            context.AddFailure($"'spawn': {fault}");
                    }
                );
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(
        IStore store,
        OwnTask own,
        Discoveries discoveries,
        TaskChanges changes,
        IdempotencyKeys keys
    ) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write => keys.Once(write, command.Caller.Name, "discover", command.Key, () => Store(write, command)),
                CancellationToken.None
            );

        private Result Store(IWrite write, Command c)
        {
            var source =
                c.Caller.Kind == CallerKind.Operator ? OfOperator(write, c) : own.Begin(write, c.Caller, c.Task, c.Run);
            var made = discoveries.Record(
                write,
                source,
                new Discoveries.Found(c.Type, c.Description, c.PriorityBoost, c.Data),
                c.Spawn,
                c.BlocksMe,
                c.Caller
            );
            return new Result(
                made.Discovery.ToView(),
                made.Task is null ? null : TaskViews.Of(write.Db, [made.Task], changes)[0]
            );
        }

        private static TaskRow OfOperator(IWrite write, Command c) =>
            c.BlocksMe || c.Run is not null
                ? throw Problem.Invalid("'blocks_me' and 'run' are for the agent of the task; leave them out")
            : c.Task is { } task ? TaskTable.Require(write.Db, task)
            : throw Problem.Invalid("'task' is missing: the task in which it was found");
    }
}

/// <summary>The rules for discoveries at all doors.</summary>
internal static class DiscoveryRules
{
    public const int DescriptionBytes = 4096;
    private const int DataBytes = 16 * 1024;

    public static void MustBeDiscoveryType<T>(this IRuleBuilder<T, string> rule, string field) =>
        rule.Must(DiscoveryTypes.All.Contains).WithMessage($"'{field}' can be {string.Join(", ", DiscoveryTypes.All)}");

    public static void MustBeDiscoveryEnd<T>(this IRuleBuilder<T, string> rule) =>
        rule.Must(DiscoveryState.Ends.Contains)
            .WithMessage($"'status' can be {string.Join(" or ", DiscoveryState.Ends)}");

    public static void MustBeDiscovery<T>(this IRuleBuilder<T, string> rule)
    {
        rule.MustBeText(DescriptionBytes);
        rule.NotEmpty().WithMessage("'description' is empty; say what was found");
    }

    public static void MustBeData<T>(this IRuleBuilder<T, JsonElement?> rule, string field) =>
        rule.Custom(
            (data, context) =>
            {
                if (data is not { } given)
                    return;
                if (Encoding.UTF8.GetByteCount(given.GetRawText()) > DataBytes)
                    context.AddFailure(
                        $"'{field}' is longer than {DataBytes} bytes; put it in a file and name its path"
                    );
                else if (!TaskRules.IsReadable(given))
                    context.AddFailure($"'{field}' has an unpaired surrogate; send valid UTF-8");
            }
        );
}
