using System.Security.Cryptography;
using System.Text;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.StateFiles;

/// <summary>
/// Puts a text of the operator that is too long for a message into a file of the shared folder, which every agent can
/// open. The file is named by its content, so that a repeated call leaves one file.
/// </summary>
internal static class ShareText
{
    /// <summary>The longest text, in bytes of UTF-8.</summary>
    public const int MaxBytes = 512 * 1024;

    private const int HashLength = 12;

    /// <param name="Text">The text.</param>
    /// <param name="To">The agent that opens the file, or <c>*</c> for all.</param>
    internal sealed record Command(string Text, string? To = null) : IRequest<Result>;

    /// <param name="Path">The file as its reader opens it: on the host for an agent without a container.</param>
    /// <param name="Size">Its size in bytes.</param>
    internal sealed record Result(string Path, long Size);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Text).MustBeText(MaxBytes);
            RuleFor(c => c.Text)
                .Must(text => !string.IsNullOrWhiteSpace(text))
                .WithMessage("'text' is empty; write something");
        }
    }

    internal sealed class Handler(StateFileWriter files, IRoster roster, AgentFolders folders)
        : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var bytes = Encoding.UTF8.GetBytes(command.Text);
            var path = $"/shared/operator-{Convert.ToHexStringLower(SHA256.HashData(bytes))[..HashLength]}.md";
            var reader = ReaderOf(command.To);
            try
            {
                await Task.Run(() => Write(path, bytes), CancellationToken.None);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw Problem.Unavailable($"the text could not be written to {path}: {e.Message}", e);
            }

            return new Result(reader is null ? path : folders.AsSeenBy(reader, path), bytes.Length);
        }

        private void Write(string path, byte[] bytes)
        {
            // Missing before the first agent exists.
            Directory.CreateDirectory(folders.Shared);
            files.Share(path, bytes);
        }

        // Of all of them, those with a container decide.
        private AgentEntry? ReaderOf(string? to) =>
            to switch
            {
                null or Principals.Operator => null,
                Principals.Everyone => roster.All.FirstOrDefault(agent => !agent.SeesHostPaths)
                    ?? (roster.All is [var first, ..] ? first : null),
                _ => roster.Require(to),
            };
    }
}
