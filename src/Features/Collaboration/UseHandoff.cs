using System.ComponentModel;
using System.Text.Json.Nodes;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.StateFiles.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Collaboration;

/// <summary>Asks another worker to take over a running task, answers such a request, or takes it back.</summary>
internal static class UseHandoff
{
    internal static class Actions
    {
        public const string Request = "request",
            Accept = "accept",
            Decline = "decline",
            Withdraw = "withdraw";

        public static readonly string[] All = [Request, Accept, Decline, Withdraw];
    }

    internal sealed record Command(
        Caller Caller,
        [property: Description("request, accept, decline or withdraw.")] string Action,
        [property: Description("With request: your task; left out, the only one that you have.")] long? Task = null,
        [property: Description("With request: the worker that is to take it over.")] string? To = null,
        [property: Description("With request: why, and how far the task is; at most 4096 bytes.")]
            string? Reason = null,
        [property: Description("With request: JSON that goes on with the task, at most 4096 bytes.")]
            JsonObject? Context = null,
        [property: Description("With accept, decline and withdraw: the handoff.")] long? Handoff = null,
        [property: Description("With accept, decline and withdraw: a text to the other one, at most 4096 bytes.")]
            string? Message = null,
        [property: Description("With request: the run that task_assigned named; one that has ended is refused.")]
            long? Run = null,
        [property: Description("Any text of your own: a repeated call with the same key changes nothing again.")]
            string? Key = null
    ) : IRequest<Result>;

    internal sealed record Result(HandoffView Handoff);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IRoster roster, AgentFolders folders, IAgentNames names)
        {
            RuleFor(c => c.Action)
                .Must(action => Actions.All.Contains(action))
                .WithMessage($"'action' can be {string.Join(", ", Actions.All)}");
            RuleFor(c => c.Task).MustBeIdIn("task");
            RuleFor(c => c.Run).MustBeIdIn("run");
            RuleFor(c => c.To).MustBeAgentsName(names, "to");
            RuleFor(c => c.To)
                .NotNull()
                .When(c => c.Action == Actions.Request)
                .WithMessage("'to' is missing; name the worker that is to take the task over");
            When(
                c => c.Action == Actions.Request,
                () => RuleFor(c => c.Reason!).MustBeBody(c => BodyRules.WayOut(c.Caller, roster, folders))
            );
            RuleFor(c => c.Context).MustBeData("context");
            RuleFor(c => c.Handoff).MustBeIdIn("handoff");
            RuleFor(c => c.Handoff)
                .NotNull()
                .When(c => c.Action is Actions.Accept or Actions.Decline or Actions.Withdraw)
                .WithMessage("name the 'handoff'");
            When(
                c => c.Message is not null,
                () => RuleFor(c => c.Message!).MustBeBody(c => BodyRules.WayOut(c.Caller, roster, folders))
            );
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(IStore store, Handoffs handoffs, IFileReferences references, IdempotencyKeys keys)
        : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var text = command.Action == Actions.Request ? command.Reason : command.Message;
            var refs = text is null ? [] : await references.ScanAs(command.Caller.Name, text);
            return await store.Write(
                write =>
                    keys.Once(
                        write,
                        command.Caller.Name,
                        $"handoff {command.Action}",
                        command.Key,
                        () => new Result(Store(write, command, refs).ToView())
                    ),
                CancellationToken.None
            );
        }

        private HandoffRow Store(IWrite write, Command command, IReadOnlyList<string> refs)
        {
            var caller = command.Caller;
            if (command.Action == Actions.Request)
                return handoffs.Request(
                    write,
                    caller,
                    new NewHandoff(command.Task, command.Run, command.To!, command.Reason!, refs, command.Context)
                );
            var handoff = HandoffTable.Require(write.Db, command.Handoff!.Value);
            var said = command.Message is { } message ? new NewPost(message, "", refs) : null;
            return command.Action switch
            {
                Actions.Accept => handoffs.Accept(write, caller, handoff, said),
                Actions.Decline => handoffs.Decline(write, caller, handoff, said),
                _ => handoffs.Withdraw(write, caller, handoff, said),
            };
        }
    }
}
