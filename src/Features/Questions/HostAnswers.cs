using Hive.Common.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Questions;

/// <summary>
/// Gives the host's own answers, to many questions in one write. If that write fails, each question is answered in a
/// write of its own, and those that fail are retried every minute until the host stops; its next start finds the rest.
/// </summary>
internal sealed partial class HostAnswers(
    IStore store,
    Resolution resolution,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<HostAnswers> log
)
{
    /// <summary>The most questions in one write, which bounds how long others wait for the writer.</summary>
    public const int PerWrite = 100;

    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    /// <summary>Answers a batch of questions in one write.</summary>
    /// <param name="take">Returns the questions, at most <see cref="PerWrite"/>. Called inside the write, and again
    /// when the write is repeated. Answered questions are skipped.</param>
    /// <param name="answer">The answer to each.</param>
    /// <param name="answerer">The answerer to store.</param>
    /// <returns>The questions that were taken.</returns>
    public async Task<long[]> Answer(Func<IWrite, long[]> take, string answer, string answerer)
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
            LogBatchFailed(log, ids.Length, answer, e);
            _ = AnswerEach(ids, answer, answerer);
        }

        return ids;
    }

    // Not awaited: the next batch must not wait for an answer that may never be stored.
    private async Task AnswerEach(IReadOnlyList<long> ids, string answer, string answerer)
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
        Message = "could not answer {Count} questions '{Answer}' in one write; trying each alone"
    )]
    private static partial void LogBatchFailed(ILogger logger, int count, string answer, Exception error);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "could not answer question {Id} '{Answer}'; will retry in a minute"
    )]
    private static partial void LogFailed(ILogger logger, long id, string answer, Exception error);
}
