using Hive.Common.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Questions;

/// <summary>
/// The answers the host itself gives, to many questions at a time. One that cannot be stored holds up no other: then
/// each of them is given alone,
/// and what still fails once more every minute, until the host stops; its next start finds what is left.
/// </summary>
internal sealed partial class HostAnswers(
    IStore store,
    Resolution resolution,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<HostAnswers> log
)
{
    /// <summary>Most questions to answer in one write: it bounds how long others wait for the writer.</summary>
    public const int PerWrite = 100;

    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    /// <summary>Answers some questions in one write.</summary>
    /// <param name="take">Which, at most <see cref="PerWrite"/>; asked inside the write, again if that could not be
    /// stored. Who has its answer is passed over.</param>
    /// <param name="answer">The answer of each.</param>
    /// <param name="answerer">Who is said to have given it.</param>
    /// <returns>The questions that were taken.</returns>
    public async Task<long[]> Give(Func<IWrite, long[]> take, string answer, string answerer)
    {
        long[] ids = [];
        try
        {
            await store.WriteUntilStored(
                write =>
                {
                    ids = take(write);
                    foreach (var id in ids)
                        resolution.TryAnswer(write, id, answer, answerer, []);
                },
                clock,
                lifetime.ApplicationStopping
            );
        }
        catch (Exception e)
        {
            LogTogetherFailed(log, ids.Length, answer, e);
            _ = GiveAlone(ids, answer, answerer);
        }

        return ids;
    }

    // Not waited for: the next hundred need not wait for one that may never be stored.
    private async Task GiveAlone(IReadOnlyList<long> ids, string answer, string answerer)
    {
        while (true)
        {
            List<long> failed = [];
            foreach (var id in ids)
            {
                try
                {
                    await store.WriteUntilStored(
                        write => resolution.TryAnswer(write, id, answer, answerer, []),
                        clock,
                        lifetime.ApplicationStopping
                    );
                }
                catch (Exception e)
                {
                    LogFailed(log, id, answer, e);
                    failed.Add(id);
                }
            }

            if (failed.Count == 0)
                return;
            ids = failed;
            try
            {
                await Task.Delay(Pause, clock, lifetime.ApplicationStopping);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Count} questions could not be answered '{Answer}' in one write; each is tried alone"
    )]
    private static partial void LogTogetherFailed(ILogger logger, int count, string answer, Exception error);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "question {Id} could not be answered '{Answer}'; it is tried again in a minute"
    )]
    private static partial void LogFailed(ILogger logger, long id, string answer, Exception error);
}
