using System.Buffers;
using System.Text;
using Hive.Common.Errors;
using MediatR;
using Microsoft.Win32.SafeHandles;

namespace Hive.Features.StateFiles;

/// <summary>Reads the text of one state file.</summary>
internal static class ReadStateFile
{
    /// <summary>The most that is read of a file, in bytes.</summary>
    public const int MaxBytes = 1024 * 1024;

    internal sealed record Query(string Path) : IRequest<Result>;

    /// <param name="Path">The path as requested.</param>
    /// <param name="Size">The size of the whole file in bytes.</param>
    /// <param name="Truncated">True when the file holds more than <paramref name="Content"/>.</param>
    /// <param name="Content">The beginning of the file as text; invalid UTF-8 shows as U+FFFD.</param>
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
                // Reads one byte more than is shown, because the file may have grown since its size was read.
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

        // The same message for every reason, so that the caller cannot learn whether a file exists that it may not
        // read.
        private static Problem NotFound() =>
            Problem.NotFound(
                "state file not found; 'path' must be a regular file (a single hard link, not a token, "
                    + "repository or database) under /agents/<name>/state/ or /shared/"
            );
    }
}
