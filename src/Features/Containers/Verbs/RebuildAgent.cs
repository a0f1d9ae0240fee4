using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Containers.Verbs;

/// <summary>Makes everything about agents what it should be, whatever state they are in: folders, socket,
/// configuration, and a process that runs on it.</summary>
internal static class RebuildAgent
{
    internal sealed record Command(
        Caller Caller,
        [property: Description("The agent's name.")] string? Name = null,
        [property: Description("Several agents at once, instead of 'name'.")] AgentScope? Scope = null
    ) : IRequest<Accepted>, IAgentVerb;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names) => RuleFor(c => c).MustNameAgents(names);
    }

    internal sealed class Handler(AgentContainers containers, Verb verb) : IRequestHandler<Command, Accepted>
    {
        public Task<Accepted> Handle(Command command, CancellationToken cancellationToken) =>
            verb.Run(command, "rebuilding", name => containers.Rebuild(name));
    }
}
