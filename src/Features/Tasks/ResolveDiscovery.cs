using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks;

/// <summary>Resolves a discovery by hand, or marks it invalid. Its task stays as it is.</summary>
internal static class ResolveDiscovery
{
    internal sealed record Command(
        Caller Caller,
        [property: Description("The discovery.")] long Id,
        [property: Description("resolved, or invalid for one that does not matter.")]
            string Status = DiscoveryState.Resolved
    ) : IRequest<Result>;

    internal sealed record Result(DiscoveryView Discovery);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Id).MustBeIdOf("discovery");
            RuleFor(c => c.Status).MustBeDiscoveryEnd();
        }
    }

    internal sealed class Handler(IStore store, TaskChanges changes) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command c, CancellationToken cancellationToken) =>
            store.Write(
                write => new Result(DiscoveryTable.End(write, c.Id, c.Status, changes.Now, c.Caller.Name).ToView()),
                CancellationToken.None
            );
    }
}
