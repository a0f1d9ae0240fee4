using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Shows an artifact with its content.</summary>
internal static class ShowArtifact
{
    /// <param name="Id">The artifact.</param>
    internal sealed record Query(long Id) : IRequest<Result>;

    /// <param name="Artifact">The artifact.</param>
    /// <param name="Content">Its content as it was handed in; absent when it is not text.</param>
    /// <param name="Base64">Its content, when that is not text.</param>
    internal sealed record Result(Artifact Artifact, string? Content = null, string? Base64 = null);

    internal sealed class Handler(IStore store) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var stored = await store.Read(db => ArtifactTable.Require(db, request.Id), cancellationToken);
            if (stored.Content is not { } bytes)
                return new Result(stored.Artifact);
            return ArtifactContent.Read(bytes) is { } text
                ? new Result(stored.Artifact, text.Text)
                : new Result(stored.Artifact, Base64: Convert.ToBase64String(bytes));
        }
    }
}
