using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Approvals;

/// <summary>Shows the steps of an approved change, with the output of the agents that it has started.</summary>
internal static class ShowBuild
{
    internal sealed record Query(long Id) : IRequest<ApprovalBuild>;

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(q => q.Id).MustBeIdOf("approval");
    }

    internal sealed class Handler(IStore store, Builds builds) : IRequestHandler<Query, ApprovalBuild>
    {
        public async Task<ApprovalBuild> Handle(Query request, CancellationToken cancellationToken)
        {
            await store.Read(db => ApprovalQueue.Require(db, request.Id), cancellationToken);
            return builds.Read(request.Id);
        }
    }
}
