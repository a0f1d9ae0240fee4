using FluentValidation;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Containers;

/// <summary>Makes an agent and, unless told otherwise, starts it. Answers when the agent exists and its socket is open.</summary>
internal static class Spawn
{
    internal sealed record Command(string Name, string? Runtime = null, bool? Start = null) : IRequest<Result>;

    internal sealed record Result(string Name, string Runtime, bool Running, string? Note = null);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names) => RuleFor(c => c.Name).Custom((name, context) =>
        {
            if (names.Fault(name) is { } fault)
                context.AddFailure(fault);
        });
    }

    internal sealed class Handler(AgentContainers containers, Runtimes runtimes, IRoster roster, Transients transients) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var name = command.Name;
            if (roster.Find(name) is not null)
                throw Problem.Conflict($"there is an agent '{name}' already");
            var runtime = await runtimes.Choose(command.Runtime, cancellationToken);
            await using var guard = await transients.Begin(name, "spawning");
            await containers.Create(name, runtime);
            if (command.Start != false && runtime != Runtimes.External)
            {
                try
                {
                    await containers.Start(name, CancellationToken.None);
                }
                catch (Problem)
                {
                    // The agent exists, which is what was asked for; why it does not run is in its note.
                }
            }

            return new Result(name, runtime, containers.IsRunning(roster.Require(name)), containers.Of(name).Note);
        }
    }
}
