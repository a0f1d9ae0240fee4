using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Costs;

/// <summary>Deletes a budget: what it held is free.</summary>
internal static class DeleteBudget
{
    /// <param name="Id">The budget.</param>
    internal sealed record Command(long Id) : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("budget");
    }

    internal sealed class Handler(IStore store, Budgets budgets) : IRequestHandler<Command, Done>
    {
        public Task<Done> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    budgets.Delete(write, budgets.Require(command.Id));
                    return Done.Instance;
                },
                CancellationToken.None
            );
    }
}
