using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets.V1;

/// <summary>Gets a ticket.</summary>
internal static class GetTicket
{
    internal sealed record Query(long Id) : IRequest<Ticket>;

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("ticket");
    }

    internal sealed class Handler(IStore store, TicketViews views) : IRequestHandler<Query, Ticket>
    {
        public Task<Ticket> Handle(Query query, CancellationToken cancellationToken) =>
            store.Read(db => views.Whole(db, query.Id), cancellationToken);
    }
}
