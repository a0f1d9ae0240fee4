using FluentValidation;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Meta;

/// <summary>Tells what is deployed for an agent: the text of its <c>agent.yaml</c>, and the commit.</summary>
internal static class ReadAgentConfig
{
    internal sealed record Query(string Name) : IRequest<Result>;

    internal sealed record Result(string Name, string DeployedSha, string Content);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names) =>
            RuleFor(q => q.Name).Must(names.IsWellFormed).WithMessage("'name' is not a valid agent name");
    }

    internal sealed class Handler(IRoster roster, SwarmLock swarm, ConfigRepositories repositories)
        : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var name = roster.Require(request.Name).Name;
            swarm.MustHaveNoFault();
            var commit =
                swarm.Deployed(name)
                ?? throw Problem.Conflict($"nothing is deployed for {name} yet; `hive rebuild {name}` does it");
            var text = await repositories.TextAt(name, commit, cancellationToken);
            return new Result(name, DeployedRowFields.Shown(commit)!, text);
        }
    }
}
