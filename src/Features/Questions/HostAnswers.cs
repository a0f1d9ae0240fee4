using Hive.Common.Persistence;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Questions;

/// <summary>The answers the host itself gives, to many questions at a time.</summary>
internal sealed class HostAnswers(IStore store, Resolution resolution, TimeProvider clock, IHostApplicationLifetime lifetime)
{
    /// <summary>Most questions to answer in one write: it bounds how long others wait for the writer.</summary>
    public const int PerWrite = 100;

    /// <summary>Answers some questions in one write.</summary>
    /// <param name="take">Which, at most <see cref="PerWrite"/>; asked inside the write, again if that could not be stored. Who has its answer is passed over.</param>
    /// <param name="answer">The answer of each.</param>
    /// <param name="answerer">Who is said to have given it.</param>
    /// <returns>The questions that were taken.</returns>
    public async Task<long[]> Give(Func<IWrite, long[]> take, string answer, string answerer)
    {
        long[] ids = [];
        await store.WriteUntilStored(
            write =>
            {
                ids = take(write);
                foreach (var id in ids)
                    resolution.TryAnswer(write, id, answer, answerer, []);
            },
            clock,
            lifetime.ApplicationStopping);
        return ids;
    }
}
