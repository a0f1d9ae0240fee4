using System.Collections.Concurrent;
using Dapper;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hive.Tests.Common;

/// <summary>The real store in a folder of its own, with everything that runs after a commit, and one table to write
/// to.</summary>
internal sealed class StoreRig : IAsyncDisposable, ICommitObserver
{
    private readonly Reactions reactions;

    public StoreRig(string? folder = null, ISchema[]? schemas = null, Action<IServiceCollection>? configure = null)
    {
        Folder = folder ?? Directory.CreateTempSubdirectory("hive-").FullName;
        var services = new ServiceCollection();
        configure?.Invoke(services);
        reactions = new Reactions(services.BuildServiceProvider(), NullLogger<Reactions>.Instance);
        var publisher = new CommitPublisher(
            new Lazy<IEnumerable<ICommitObserver>>(() => [this]),
            reactions,
            NullLogger<CommitPublisher>.Instance
        );
        Store = new SqliteStore(
            Path.Combine(Folder, "hive.sqlite"),
            schemas ?? [new Rows()],
            publisher,
            TimeProvider.System,
            NullLogger<SqliteStore>.Instance
        );
        reactions.StartAsync(CancellationToken.None);
    }

    public string Folder { get; }

    public SqliteStore Store { get; }

    public ConcurrentQueue<INotification> Published { get; } = [];

    public ConcurrentQueue<INotification> Undone { get; } = [];

    public void OnCommitted(INotification notification) => Published.Enqueue(notification);

    public void OnUndone(INotification notification) => Undone.Enqueue(notification);

    public Task<long> Add(int value, Action<IWrite>? also = null) =>
        Store.Write(write =>
        {
            var id = write.Db.ExecuteScalar<long>(
                "INSERT INTO rows (value) VALUES (@value) RETURNING id",
                new { value }
            );
            write.Raise(new RowAdded(value));
            also?.Invoke(write);
            return id;
        });

    public Task<List<int>> Values() => Store.Read(db => db.Query<int>("SELECT value FROM rows ORDER BY id").ToList());

    /// <summary>Keeps the writer inside a write until the result is disposed of, so that writes queued in the meantime
    /// form one batch.</summary>
    public async Task<Hold> HoldWriter()
    {
        var entered = new TaskCompletionSource();
        var release = new ManualResetEventSlim();
        var work = Store.Write<object?>(_ =>
        {
            entered.SetResult();
            release.Wait();
            return null;
        });
        await entered.Task;
        return new Hold(release, work);
    }

    public async ValueTask DisposeAsync()
    {
        await reactions.StopAsync(CancellationToken.None);
        Store.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    internal sealed record RowAdded(int Value) : INotification;

    internal sealed class Hold(ManualResetEventSlim release, Task work)
    {
        public async Task Release()
        {
            release.Set();
            await work;
        }
    }

    internal sealed class Rows : ISchema
    {
        public string Slice => "rows";

        public int Version => 1;

        public void Converge(SchemaEditor editor)
        {
            editor.Run(
                "CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY AUTOINCREMENT, value INTEGER NOT NULL)"
            );
            // Checked only at the commit, so that a test can make the commit itself fail.
            editor.Run(
                "CREATE TABLE IF NOT EXISTS loose (parent INTEGER REFERENCES rows (id) DEFERRABLE INITIALLY DEFERRED)"
            );
        }
    }
}
