using System.Text.Json.Nodes;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Adds an artifact to a ticket for <c>/api/v1</c>.</summary>
internal static class AddTicketArtifact
{
    /// <param name="Id">The ticket.</param>
    /// <param name="ArtifactType">The artifact's type.</param>
    /// <param name="PhaseId">The phase; null for the ticket's own.</param>
    /// <param name="ArtifactPath">The file.</param>
    /// <param name="ArtifactContent">The JSON, at most 16 KiB.</param>
    /// <param name="Commit">The commit, 7 to 40 hexadecimal digits.</param>
    /// <param name="Repository">Its repository: <c>forge:&lt;owner&gt;/&lt;name&gt;</c>, or a folder of any
    /// agent.</param>
    /// <param name="CollectedBy">The caller's name, or null; the door refuses another one.</param>
    /// <param name="Caller">Who adds it.</param>
    /// <param name="Key">Text of the caller's own: a repeated call with it adds nothing again.</param>
    internal sealed record Command(
        long Id,
        string ArtifactType,
        Caller Caller,
        string? PhaseId = null,
        string? ArtifactPath = null,
        JsonObject? ArtifactContent = null,
        string? Commit = null,
        string? Repository = null,
        string? CollectedBy = null,
        string? Key = null
    ) : IRequest<TicketArtifact>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("ticket");
    }

    internal sealed class Handler(IMediator mediator, IStore store) : IRequestHandler<Command, TicketArtifact>
    {
        public async Task<TicketArtifact> Handle(Command command, CancellationToken cancellationToken)
        {
            var added = await mediator.Send(
                new AddArtifact.Command(
                    command.Id,
                    command.ArtifactType,
                    command.Caller,
                    command.PhaseId,
                    command.ArtifactPath,
                    command.ArtifactContent,
                    command.Commit,
                    command.Repository,
                    command.Key
                ),
                cancellationToken
            );
            return await store.Read(
                db => TicketArtifact.Of(ArtifactTable.Require(db, added.Id)),
                CancellationToken.None
            );
        }
    }
}
