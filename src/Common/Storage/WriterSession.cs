using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using MediatR;
using SQLitePCL;

namespace Hive.Common.Storage;

/// <summary>The writer's connection with the transaction of the current batch. The transaction and the savepoints begin
/// with the first statement, so a write that only reads memory costs no SQL.</summary>
internal sealed class WriterSession(CachedConnection connection) : IWrite, IDisposable
{
    private static long lastBatch;

    private readonly List<Action> undo = [];
    private List<object> raised = [];
    private List<INotification> undone = [];
    private bool inSavepoint;
    private int undoMark;
    private int raisedMark;

    public CachedConnection Connection => connection;

    public bool Broken { get; set; }

    public bool InTransaction { get; private set; }

    public int Touched { get; private set; }

    public long Batch { get; private set; }

    public DbConnection Db
    {
        get
        {
            EnterSavepoint();
            return connection;
        }
    }

    public bool TransactionWasLost => InTransaction && raw.sqlite3_get_autocommit(connection.Inner.Handle) != 0;

    public Statement Prepare([ConstantExpected] string sql)
    {
        EnterSavepoint();
        return Cached(sql);
    }

    public void Raise(INotification notification) => raised.Add(notification);

    public void AfterCommit(Action action) => raised.Add(action);

    public void OnRollback(Action undo) => this.undo.Add(undo);

    public void Clear()
    {
        undo.Clear();
        raised.Clear();
        Touched = 0;
        // Counted for the process, not the session: a number must not repeat after the database is reopened.
        Batch = Interlocked.Increment(ref lastBatch);
    }

    public void Start()
    {
        undoMark = undo.Count;
        raisedMark = raised.Count;
    }

    public void Keep()
    {
        if (!inSavepoint)
            return;
        Touched++;
        inSavepoint = false;
        Cached("RELEASE work").Step();
    }

    public void UndoWork()
    {
        if (inSavepoint)
        {
            inSavepoint = false;
            Cached("ROLLBACK TO work").Step();
            Cached("RELEASE work").Step();
        }

        Undo(undoMark, raisedMark);
    }

    public void Commit()
    {
        Cached("COMMIT").Step();
        InTransaction = false;
    }

    public void Abandon()
    {
        Undo(0, 0);
        Broken = true;
        InTransaction = inSavepoint = false;
    }

    public List<object> TakeRaised()
    {
        var taken = raised;
        raised = [];
        return taken;
    }

    public List<INotification> TakeUndone()
    {
        var taken = undone;
        undone = [];
        return taken;
    }

    public void Dispose() => connection.Dispose();

    private void Undo(int mark, int raisedMark)
    {
        for (var i = undo.Count - 1; i >= mark; i--)
            undo[i]();
        undo.RemoveRange(mark, undo.Count - mark);
        undone.AddRange(raised.Skip(raisedMark).OfType<INotification>());
        raised.RemoveRange(raisedMark, raised.Count - raisedMark);
    }

    private void EnterSavepoint()
    {
        if (inSavepoint)
            return;
        if (!InTransaction)
        {
            Cached("BEGIN IMMEDIATE").Step();
            InTransaction = true;
        }

        Cached("SAVEPOINT work").Step();
        inSavepoint = true;
    }

    private Statement Cached([ConstantExpected] string sql) => connection.PrepareStatement(sql);
}
