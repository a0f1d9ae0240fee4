using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Questions;

/// <summary>
/// Gives the host's own answers, to many questions in one write. If that write fails, each question is answered in a
/// write of its own, and those that fail are retried every minute until the host stops; its next start finds the rest.
/// </summary>
internal sealed partial class HostAnswers(
    IStore store,
    IRoster roster,
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
    /// <param name="gone">The destroyed agent because of which the questions end: nothing is answered once an agent has
    /// its name again.</param>
    /// <param name="aside">The agent asked them: they open again when it is revived.</param>
    /// <returns>The questions that were taken.</returns>
    public async Task<long[]> Answer(
        Func<IWrite, long[]> take,
        string answer,
        string answerer,
        string? gone = null,
        bool aside = false
    )
    {
        long[] ids = [];
        try
        {
            await store.WriteUntilStored(
                write =>
                {
                    ids = IsBack(gone) ? [] : take(write);
                    foreach (var id in ids)
                        resolution.TryAnswer(write, id, answer, answerer, [], aside);
                },
                clock,
                lifetime.ApplicationStopping
            );
        }
        catch (Exception e)
        {
            LogBatchFailed(log, ids.Length, answer, e);
            _ = AnswerEach(ids, answer, answerer, gone, aside);
        }

        return ids;
    }

    // Not awaited: the next batch must not wait for an answer that may never be stored.
    private async Task AnswerEach(IReadOnlyList<long> ids, string answer, string answerer, string? gone, bool aside)
    {
        while (true)
        {
            List<long> failed = [];
            foreach (var id in ids)
            {
                try
                {
                    await store.WriteUntilStored(
                        write =>
                        {
                            if (!IsBack(gone))
                                resolution.TryAnswer(write, id, answer, answerer, [], aside);
                        },
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

    private bool IsBack(string? gone) => gone is not null && roster.Find(gone) is not null;

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
