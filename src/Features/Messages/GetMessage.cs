using Dapper;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Shows one message with all that is known about its delivery.</summary>
internal static class GetMessage
{
    internal sealed record Query(long Id) : IRequest<Result>;

    internal sealed record Result(Message Message);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(q => q.Id).MustBeIdOf("message");
    }

    internal sealed class Handler(IStore store) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var row = await store.Read(
                db => db.QuerySingleOrDefault<MessageRow.Stored>(Sql, new { request.Id }),
                cancellationToken
            );
            return row is null ? throw NotFound(request.Id) : new Result(EventSentence.With(row.ToDetailedMessage()));
        }

        private const string Sql = $"SELECT {MessageRow.DetailColumns} FROM messages m WHERE m.id = @Id";
    }

    internal static Problem NotFound(long id) =>
        Problem.NotFound(
            $"message {id} not found; acknowledged messages are deleted after {VacuumMessages.Kept.TotalDays} days"
        );
}
