using FluentValidation;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Containers.Verbs;

/// <summary>Makes an agent and, unless told otherwise, starts it. Answers when the agent exists and its socket is
/// open.</summary>
internal static class Spawn
{
    internal sealed record Command(string Name, string? Runtime = null, bool? Start = null) : IRequest<Result>;

    internal sealed record Result(string Name, string Runtime, bool Running, string? Note = null);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names) =>
            RuleFor(c => c.Name)
                .Custom(
                    (name, context) =>
                    {
                        if (names.Fault(name) is { } fault)
                            context.AddFailure(fault);
                    }
                );
    }

    internal sealed class Handler(ContainerStates states, AgentLifecycle lifecycle, IRoster roster)
        : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var runtime = await lifecycle.ChooseRuntime(command.Runtime, cancellationToken);
            await lifecycle.Spawn(command.Name, runtime, start: command.Start != false);
            return new Result(
                command.Name,
                runtime,
                states.IsRunning(roster.Require(command.Name)),
                states.Of(command.Name).Note
            );
        }
    }
}
