using System.Buffers;
using System.Text;
using Hive.Common.Errors;
using MediatR;
using Microsoft.Win32.SafeHandles;

namespace Hive.Features.StateFiles;

/// <summary>Reads the text of one state file.</summary>
internal static class ReadStateFile
{
    /// <summary>Most of a file that is read, in bytes (contract section 2).</summary>
    public const int MaxBytes = 1024 * 1024;

    internal sealed record Query(string Path) : IRequest<Result>;

    /// <param name="Path">As it was asked for.</param>
    /// <param name="Size">In bytes, of the whole file.</param>
    /// <param name="Truncated">There is more than <paramref name="Content"/>.</param>
    /// <param name="Content">The file's text from its beginning; what is not UTF-8 shows as U+FFFD.</param>
    internal sealed record Result(string Path, long Size, bool Truncated, string Content);

    internal sealed class Handler(StateFileOpener files) : IRequestHandler<Query, Result>
    {
        // Reading waits for the disk, and the caller may be the thread that serves sockets.
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            Task.Run(() => Read(request.Path), cancellationToken);

        private Result Read(string path)
        {
            using var file = files.Open(path, out var size);
            if (file is null)
                throw NotFound();
            var buffer = ArrayPool<byte>.Shared.Rent(MaxBytes + 1);
            try
            {
                // One byte more than is shown tells whether there is more, whatever the size said before.
                var length = Fill(file, buffer.AsSpan(0, MaxBytes + 1));
                var truncated = length > MaxBytes;
                var shown = truncated ? WholeCharacters(buffer.AsSpan(0, MaxBytes)) : buffer.AsSpan(0, length);
                return new Result(
                    path,
                    truncated ? Math.Max(size, length) : length,
                    truncated,
                    Encoding.UTF8.GetString(shown)
                );
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw NotFound();
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }

        private static int Fill(SafeFileHandle file, Span<byte> buffer)
        {
            var length = 0;
            while (length < buffer.Length && RandomAccess.Read(file, buffer[length..], length) is > 0 and var read)
                length += read;
            return length;
        }

        private static Span<byte> WholeCharacters(Span<byte> bytes) =>
            Rune.DecodeLastFromUtf8(bytes, out _, out var last) == OperationStatus.NeedMoreData
                ? bytes[..^last]
                : bytes;

        // One text for every reason: who asks must not learn whether something exists that it may not read.
        private static Problem NotFound() =>
            Problem.NotFound(
                "no such state file: name a regular file (one link, no token, repository or database) under /agents/<name>/state/ or /shared/"
            );
    }
}
