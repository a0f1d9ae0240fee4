using Dapper;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Tickets.V1;

/// <summary>Counts the tickets that wait for their approval.</summary>
internal static class CountPending
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(int PendingCount);

    internal sealed class Handler(IStore store) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query query, CancellationToken cancellationToken) =>
            store.Read(db => new Result(db.ExecuteScalar<int>(Sql)), cancellationToken);
    }

    private const string Sql = """
        SELECT count(*)
          FROM tickets INDEXED BY tickets_pending
         WHERE approval = 'pending_review'
        """;
}
