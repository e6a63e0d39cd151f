"""intake: files and commitments."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Expands the schema."""
    op.create_table('file',
    sa.Column('id', sa.UUID(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('body', postgresql.JSON(astext_type=sa.Text()), nullable=False),
    sa.Column('owner', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('case_id', sa.UUID(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id'),
    schema='intake'
    )
    op.create_index('file_case', 'file', ['case_id'], unique=False, schema='intake')
    op.create_index('file_waiting', 'file', ['owner'], unique=False, schema='intake', postgresql_where=sa.text("case_id IS NULL AND state <> 'gone'"))
    op.create_table('commitment_bar',
    sa.Column('person_ref', sa.String(), nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('lifted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lifted_by', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('person_ref'),
    schema='intake'
    )


def downgrade() -> None:
    """Takes it back."""
    op.drop_table('commitment_bar', schema='intake')
    op.drop_index('file_waiting', table_name='file', schema='intake', postgresql_where=sa.text("case_id IS NULL AND state <> 'gone'"))
    op.drop_index('file_case', table_name='file', schema='intake')
    op.drop_table('file', schema='intake')
