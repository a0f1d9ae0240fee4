using FluentValidation;
using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Hive.Features.Turns.Contracts;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>What an agent's harness does now, and from where its stream goes on.</summary>
internal static class GetHarness
{
    internal sealed record Query(string Name) : IRequest<HarnessView>;

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names) => RuleFor(q => q.Name).MustBeAgentsName(names);
    }

    internal sealed class Handler(IRoster roster, Harnesses harnesses, AgentHubs hubs) : IRequestHandler<Query, HarnessView>
    {
        public Task<HarnessView> Handle(Query request, CancellationToken cancellationToken)
        {
            roster.Require(request.Name);
            // Before it is looked at: a change that falls between the two is then in the stream as well.
            var cursor = hubs.Of(request.Name).Head.ToString();
            return Task.FromResult(harnesses.Of(request.Name) with { Cursor = cursor });
        }
    }
}
