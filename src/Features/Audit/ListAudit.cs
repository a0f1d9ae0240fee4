using FluentValidation;
using Hive.Common.Storage;
using Hive.Features.Audit.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Audit;

/// <summary>Lists the audit, the newest entries first.</summary>
internal static class ListAudit
{
    /// <param name="Kind">Only entries of one kind.</param>
    /// <param name="Limit">1 to 200.</param>
    /// <param name="Before">Only lower ids, for the next page.</param>
    internal sealed record Query(string? Kind = null, int Limit = 50, long? Before = null) : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<AuditEntry> Entries);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator()
        {
            RuleFor(q => q.Kind)
                .Must(kind => kind is null || AuditKind.All.Contains(kind))
                .WithMessage($"'kind' must be one of {string.Join(", ", AuditKind.All)}");
            RuleFor(q => q.Limit).InclusiveBetween(1, 200).WithMessage("'limit' must be 1 to 200");
        }
    }

    internal sealed class Handler(IStore store) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query query, CancellationToken cancellationToken) =>
            store.Read(db => new Result(AuditTable.List(db, query.Kind, query.Limit, query.Before)), cancellationToken);
    }
}
