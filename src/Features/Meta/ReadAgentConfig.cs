using FluentValidation;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Meta;

/// <summary>Reads the deployed configuration of an agent: the text of its <c>agent.yaml</c>, and the commit.</summary>
internal static class ReadAgentConfig
{
    internal sealed record Query(string Name) : IRequest<Result>;

    internal sealed record Result(string Name, string DeployedSha, string Content);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names) => RuleFor(q => q.Name).MustBeAgentsName(names);
    }

    internal sealed class Handler(IRoster roster, SwarmLock swarm, ConfigReader configs)
        : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var name = roster.Require(request.Name).Name;
            swarm.MustHaveNoFault();
            var commit =
                swarm.Deployed(name)
                ?? throw Problem.Conflict(
                    $"no configuration is deployed for {name} yet; `hive rebuild {name}` deploys it"
                );
            var text = await configs.TextAt(name, commit, cancellationToken);
            return new Result(name, DeployedRowFields.Shown(commit)!, text);
        }
    }
}
